/**
 * WGSL of an online softmax of one model's logits, or of both models' side by side: the score of the columns seen so far, and
 * of two sets of columns together. Columns must come in rising order; of equal maxima the lowest column is the top.
 */
export function wgslScore(models: 1 | 2): string {
  const [float, int, uint] = models === 1 ? ["f32", "i32", "u32"] : ["vec2<f32>", "vec2<i32>", "vec2<u32>"];
  const flag = (z: string) => `select(0u, 1u, isBroken(${z}))`;
  return `
struct Score {
  shift : ${float},      // maximum logit
  sum : ${float},        // Σ e^((z - shift) / τ)
  weighted : ${float},   // Σ e^((z - shift) / τ) · (z - shift) / τ
  top : ${int},
  broken : ${uint},      // 1 where a logit was NaN or Infinity
}

fn emptyScore() -> Score { return Score(${float}(-1e38f), ${float}(0.0f), ${float}(0.0f), ${int}(0), ${uint}(0u)); }

fn gapOf(a : ${float}, b : ${float}) -> ${float} {
  return max(-abs(a - b) * uniforms.inverseTemperature, ${float}(lowest));
}

// Of two maxima one stays, and what belongs to the other shrinks: one exponential serves both cases.
fn mergeScores(a : Score, b : Score) -> Score {
  let gap = gapOf(a.shift, b.shift);
  let share = exp(gap);
  let isBelow = a.shift < b.shift;
  let none = ${float}(0.0f);
  let one = ${float}(1.0f);
  let sum = a.sum * select(one, share, isBelow) + b.sum * select(share, one, isBelow);
  let ofA = (a.weighted + a.sum * select(none, gap, isBelow)) * select(one, share, isBelow);
  let ofB = (b.weighted + b.sum * select(gap, none, isBelow)) * select(share, one, isBelow);
  let top = select(select(a.top, min(a.top, b.top), a.shift == b.shift), b.top, isBelow);
  return Score(max(a.shift, b.shift), sum, ofA + ofB, top, a.broken | b.broken);
}

fn addLogit(score : Score, column : i32, z : ${float}) -> Score {
  let broken = ${models === 1 ? flag("z") : `vec2<u32>(${flag("z.x")}, ${flag("z.y")})`};
  let possible = max(z, ${float}(impossible));
  return mergeScores(score, Score(possible, ${float}(1.0f), ${float}(0.0f), ${int}(column), broken));
}
`;
}
