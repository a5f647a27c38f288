import { ImagineOpdError } from "@imagine-opd/protocol";

/** A relative name whose parts are joined by `/`: nothing that could lead out of the place it is looked up in. */
export function checkFileName(name: string, where: string): void {
  const parts = name.split("/");
  const leadsOut = parts.some((part) => part === "" || part === "." || part === "..") || /^[a-z]:/i.test(name);
  if (!leadsOut && !/[\\\0]/.test(name)) return;
  throw new ImagineOpdError("invalid-argument", {
    where,
    problem: `a file name must be relative, its parts joined by "/" and none of them "." or "..", got ${JSON.stringify(name)}.`,
    details: { name },
  });
}
