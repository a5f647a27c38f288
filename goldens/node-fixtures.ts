import { decodeImage, openDirectory } from "@imagine-opd/host/node";
import { goldenPath } from "@imagine-opd/test-kit";
import { openFixtures } from "./open-fixtures.ts";

/** The fixtures, read from disk. */
export const nodeFixtures = openFixtures({
  openFixture: (family) => openDirectory(goldenPath(family)),
  readImage: async (name) => (await decodeImage(goldenPath(`common/images/${name}.png`))).image,
});
