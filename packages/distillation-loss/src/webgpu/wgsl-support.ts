import type { TopK } from "../top-k.ts";

/** WGSL that reads row `index` of the `[C, n]` binding `numbers`. */
export function readNumber(index: number, binding = "numbers"): string {
  return `${binding}[${index} * uniforms.${binding}Shape[1] + row]`;
}

/** What {@link wgslSupport} reads from `uniforms`; `from` is the first id of the slice. */
export function supportUniforms({ support, mass }: TopK, from: number) {
  return {
    firstId: from,
    studentCounts: support === "teacher" ? 0 : 1,
    teacherCounts: support === "student" ? 0 : 1,
    hasTail: mass === "tail" ? 1 : 0,
  };
}

/** WGSL of who is on a top-k support, from the row's bounds. */
export function wgslSupport(
  read: (name: "studentFloor" | "studentLast" | "teacherFloor" | "teacherLast") => string,
): string {
  return `
struct Members { student : bool, teacher : bool, support : bool }

fn isMember(id : f32, z : f32, floorLogit : f32, last : f32) -> bool {
  return z > floorLogit || (z == floorLogit && id <= last);
}

fn findMembers(row : i32, column : i32, student : f32, teacher : f32) -> Members {
  let id = f32(column) + uniforms.firstId;
  let inStudent = isMember(id, max(student, impossible), ${read("studentFloor")}, ${read("studentLast")});
  let inTeacher = isMember(id, max(teacher, impossible), ${read("teacherFloor")}, ${read("teacherLast")});
  let support = (inStudent && uniforms.studentCounts > 0.0f) || (inTeacher && uniforms.teacherCounts > 0.0f);
  return Members(inStudent, inTeacher, support);
}`;
}
