import type { RegionBox } from "@imagine-opd/protocol";

/** A picture that stands in the page itself. */
export interface ReportPicture {
  /** `data:` address of a PNG, JPEG or WebP picture in base64. It may be smaller than `width` x `height`. */
  readonly address: string;
  /** Pixels of the picture that `boxes` count in. */
  readonly width: number;
  readonly height: number;
  /** Drawn on top of it. @default [] */
  readonly boxes?: readonly RegionBox[];
}

/** A token of a completion with the log-probs that both gave it, nats. */
export interface ReportToken {
  readonly text: string;
  readonly student: number;
  /** With the true views. */
  readonly teacher: number;
}

/** A stretch of a completion, in UTF-16 code units of its text; `parseTrajectory(text).moves` are such stretches. */
export interface ReportMove {
  /** Shown as look, zoom, evidence, answer. */
  readonly kind: "locate" | "invoke" | "reveal" | "commit";
  readonly start: number;
  /** One past the last. */
  readonly end: number;
}

/** A completion at one time of the run. */
export interface ReportTranscript {
  /** For example `before`. */
  readonly label: string;
  readonly text: string;
  /** Absent when the completion has no readable answer. */
  readonly answer?: string;
  readonly correct: boolean;
  /** In the order of the text, without overlap. @default [] */
  readonly moves?: readonly ReportMove[];
  /** Coloured by their log-ratio. Joined they are `text`, or `text` and what the stop token is shown as. @default plain text */
  readonly tokens?: readonly ReportToken[];
  /** The same tokens under a control of the teacher, for example with a blank view. */
  readonly control?: {
    /** For example `teacher with a blank view`. */
    readonly label: string;
    /** `[T]` the teacher's log-probs under the control, one for each of `tokens`, nats. */
    readonly teacher: ArrayLike<number>;
  };
}

/** A question with the completions of different times. Improved or worsened tells the last one's verdict from the first one's. */
export interface ReportSample {
  /** Shown small, so that the record can be found again. */
  readonly recordId?: string;
  readonly image?: ReportPicture;
  /** Evidence views, which only the teacher sees. @default [] */
  readonly views?: readonly ReportPicture[];
  readonly question: string;
  /** The labelled answer, when there is one. */
  readonly reference?: string;
  readonly transcripts: readonly ReportTranscript[];
}
