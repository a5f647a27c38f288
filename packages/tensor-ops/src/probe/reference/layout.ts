import type { Numbers } from "./numbers.ts";

/** `x` with its axes in another order: axis `i` of the result is axis `order[i]` of `x`. */
export function permute(x: Numbers, shape: readonly number[], order: readonly number[]): Numbers {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1));
  const sides = order.map((axis) => shape[axis]!);
  return Float64Array.from({ length: x.length }, (_, place) => {
    let rest = place;
    let from = 0;
    for (let i = sides.length - 1; i >= 0; i--) {
      from += (rest % sides[i]!) * strides[order[i]!]!;
      rest = Math.floor(rest / sides[i]!);
    }
    return x[from]!;
  });
}

/** Two-dimensional transpose. @param x `[rows, columns]` */
export function transpose(x: Numbers, rows: number, columns: number): Numbers {
  return permute(x, [rows, columns], [1, 0]);
}

/** The numbers at the given places. */
export function pick(x: Numbers, places: readonly number[]): Numbers {
  return Float64Array.from(places, (place) => x[place]!);
}

/** Rows of a `[…, width]` table. */
export function takeRows(table: Numbers, width: number, rows: readonly number[]): Numbers {
  return Float64Array.from(rows.flatMap((row) => Array.from(table.subarray(row * width, (row + 1) * width))));
}

export function join(...parts: readonly ArrayLike<number>[]): Numbers {
  return Float64Array.from(parts.flatMap((part) => Array.from(part)));
}
