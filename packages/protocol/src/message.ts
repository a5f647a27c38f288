import type { RgbImage } from "./image.ts";

/** A part of a turn: text, or a picture that stands where the part stands. */
export type ContentPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly image: RgbImage };

/** One turn of a conversation. */
export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: readonly ContentPart[];
}
