/** Bundles a TypeScript program of this repository from sources and returns the path of the module. */
export function bundle(program: string): Promise<string>;
