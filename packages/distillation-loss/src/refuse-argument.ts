import { ImagineOpdError } from "@imagine-opd/protocol";

/** Throws `invalid-argument`. */
export function refuseArgument(where: string, problem: string, remedy?: string): never {
  throw new ImagineOpdError("invalid-argument", { where, problem, ...(remedy !== undefined && { remedy }) });
}
