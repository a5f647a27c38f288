import { Presets, SingleBar } from "cli-progress";

/** Progress of a long job on stderr: a bar on a terminal, a line now and then elsewhere. */
export interface Progress {
  /** @param note short, for example `loss 0.12` */
  update(done: number, note?: string): void;
  stop(): void;
}

const secondsBetweenLines = 10;

export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

export function createProgress(title: string, total: number, first = 0): Progress {
  const started = performance.now();
  const remaining = (done: number): string => {
    const seconds = (performance.now() - started) / 1000;
    return done > first ? formatDuration((seconds / (done - first)) * (total - done)) : "?";
  };
  if (process.stderr.isTTY) {
    const format = `${title} {bar} {value}/{total} · {left} left · {note}`;
    const bar = new SingleBar(
      { stream: process.stderr, format, hideCursor: true, clearOnComplete: false },
      Presets.rect,
    );
    bar.start(total, first, { left: "?", note: "" });
    return {
      update: (done, note = "") => bar.update(done, { left: remaining(done), note }),
      stop: () => bar.stop(),
    };
  }
  let lastLine = Number.NEGATIVE_INFINITY;
  return {
    update(done, note = "") {
      const now = performance.now() / 1000;
      if (done < total && now - lastLine < secondsBetweenLines) return;
      lastLine = now;
      process.stderr.write(`${title} ${done}/${total}, ${remaining(done)} left${note === "" ? "" : `, ${note}`}\n`);
    },
    stop() {},
  };
}
