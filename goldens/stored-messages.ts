import type { ContentPart, Message, RgbImage } from "@imagine-opd/protocol";
import { expect } from "vitest";

/** A message as the fixtures hold it: without its pictures. */
export interface StoredMessage {
  readonly role: Message["role"];
  readonly content: readonly { readonly type: "text" | "image"; readonly text?: string }[];
}

/** Stored messages with their pictures put in, in order. */
export async function fillStoredMessages(
  messages: readonly StoredMessage[],
  files: readonly string[],
  readImage: (file: string) => Promise<RgbImage>,
): Promise<Message[]> {
  const images = await Promise.all(files.map(readImage));
  let next = 0;
  const part = ({ type, text }: StoredMessage["content"][number]): ContentPart =>
    type === "image" ? { type, image: images[next++]! } : { type, text: text! };
  const filled = messages.map(({ role, content }) => ({ role, content: content.map(part) }));
  expect(next).toBe(images.length);
  return filled;
}
