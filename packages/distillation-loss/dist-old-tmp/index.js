import { ImagineOpdError } from '@imagine-opd/protocol';
import * as tf8 from '@tensorflow/tfjs-core';
import { engine } from '@tensorflow/tfjs-core';
import { defineOp } from '@imagine-opd/tensor-ops';

// src/check-logits.ts
function requireMatrix(where2, name, tensor) {
  if (tensor.shape.length === 2 && tensor.dtype === "float32") return;
  throw new ImagineOpdError("invalid-argument", {
    where: where2,
    problem: `${name} must be a float32 tensor of rank 2, got ${tensor.dtype} of shape [${tensor.shape.join(", ")}].`
  });
}
function requireSameShape(where2, student, teacher) {
  requireMatrix(where2, "teacher", teacher);
  if (student.shape[0] === teacher.shape[0] && student.shape[1] === teacher.shape[1]) return;
  throw new ImagineOpdError("mismatch", {
    where: where2,
    problem: `student and teacher must have one shape, got [${student.shape.join(", ")}] and [${teacher.shape.join(", ")}].`
  });
}
var constantTeacher = defineOp({
  name: "DistillationConstantTeacher",
  save: { inputs: false },
  compose: ([loss]) => tf8.clone(loss),
  gradient: (dy, _, { where: where2 }) => [
    () => tf8.clone(dy),
    () => {
      throw new ImagineOpdError("unsupported", {
        where: where2,
        problem: "a gradient was asked of the teacher, which is a constant of the loss.",
        remedy: "Compute what the teacher says outside of tf.grads and tf.variableGrads."
      });
    }
  ]
});
function forbidTeacherGradient(where2, loss, teacher) {
  return constantTeacher([loss, teacher], { where: where2 });
}
function createResult(plan, objective, loss, statistics) {
  let reading;
  let disposed = false;
  const dispose2 = () => {
    if (!disposed) statistics?.dispose();
    disposed = true;
  };
  const read = async () => {
    if (disposed)
      throw new ImagineOpdError("disposed", {
        where: `${plan.where}().readTokens`,
        problem: "the statistics were disposed."
      });
    try {
      return reportTokens(plan, objective, await statistics?.data() ?? new Float32Array(0));
    } finally {
      dispose2();
    }
  };
  return {
    loss,
    readTokens() {
      reading ??= read();
      return reading;
    },
    dispose: dispose2
  };
}
var infinite = 1e12;
function reportTokens(plan, objective, data) {
  const { active, rows } = plan;
  const rowOf = (name) => {
    const index = objective.statistics.indexOf(name);
    return index < 0 ? objective.given?.[name] : data.subarray(index * active.length, (index + 1) * active.length);
  };
  const defined = rowOf("defined");
  const spread = (name) => {
    const numbers = rowOf(name);
    if (numbers === void 0) return void 0;
    const spreadOut = new Float32Array(rows);
    for (const [i, row] of active.entries()) spreadOut[row] = defined[i] === 0 ? 0 : numbers[i];
    return spreadOut;
  };
  const values = spread("value");
  refuseInfinite(plan, values);
  const studentLogProbs = spread("studentLogProb");
  const teacherLogProbs = spread("teacherLogProb");
  const logRatio = teacherLogProbs && studentLogProbs?.map((logProb, i) => logProb - teacherLogProbs[i]);
  const clip = rowOf("clip");
  return {
    values,
    studentEntropy: spread("studentEntropy"),
    ...present("teacherEntropy", spread("teacherEntropy")),
    ...present("studentLogProbs", studentLogProbs),
    ...present("teacherLogProbs", teacherLogProbs),
    ...present("logRatio", logRatio),
    ...present("ratio", spread("ratio")),
    counts: {
      tokens: active.length,
      masked: rows - active.length,
      empty: defined.filter((flag) => flag === 0).length,
      notANumber: values.filter(Number.isNaN).length
    },
    ...present("clipFractions", clip && { ratio: shareOf(clip, 1), dual: shareOf(clip, 2) })
  };
}
function refuseInfinite(plan, values) {
  const row = values.findIndex((value) => value > infinite);
  if (row < 0) return;
  throw new ImagineOpdError("non-finite", {
    where: `${plan.where}().readTokens`,
    problem: `the value at row ${row} is infinite: one model gives no probability to a token that the other can produce.`,
    remedy: "Name impossible ids in `banned`, which removes them from both.",
    details: { row }
  });
}
function shareOf(flags, flag) {
  return flags.length === 0 ? 0 : flags.filter((each) => each === flag).length / flags.length;
}
function present(key, value) {
  return value === void 0 ? {} : { [key]: value };
}
var impossibleLogit = -1e30;
var noLimit = 3e38;
function createCeilings(plan) {
  if (plan.banned.length === 0) return void 0;
  const ceilings = new Float32Array(plan.vocabSize).fill(noLimit);
  for (const id of plan.banned) ceilings[id] = impossibleLogit;
  return tf8.tensor1d(ceilings);
}
function limitLogits(logits, ceilings) {
  return tf8.tidy(
    () => tf8.maximum(ceilings === void 0 ? logits : tf8.minimum(logits, ceilings), impossibleLogit)
  );
}
function stackStatistics(columns) {
  return tf8.tidy(
    () => tf8.concat(
      columns.map((column) => tf8.reshape(column, [1, column.size])),
      0
    )
  );
}
function pickStatistic(statistics, names, name) {
  const count = statistics.shape[1];
  return tf8.tidy(() => tf8.reshape(tf8.slice(statistics, [names.indexOf(name), 0], [1, count]), [count]));
}
function pickColumn(statistics, names, name) {
  const count = statistics.shape[1];
  return tf8.tidy(() => tf8.reshape(tf8.slice(statistics, [names.indexOf(name), 0], [1, count]), [count, 1]));
}

// src/row-objective.ts
function coefficientsOf(plan, objective, statistics, { from, to }) {
  return tf8.tidy(
    () => tf8.mul(
      tf8.tensor1d(plan.coefficients.subarray(from, to)),
      pickStatistic(statistics, objective.statistics, "defined")
    )
  );
}
function weightedSum(plan, objective, statistics) {
  if (statistics === void 0) return tf8.scalar(0);
  return tf8.tidy(() => {
    const coefficients = coefficientsOf(plan, objective, statistics, { from: 0, to: plan.active.length });
    return tf8.sum(tf8.mul(coefficients, pickStatistic(statistics, objective.statistics, "value")));
  });
}
function refuseArgument(where2, problem, remedy) {
  throw new ImagineOpdError("invalid-argument", { where: where2, problem, ...remedy !== void 0 && { remedy } });
}

// src/row-plan.ts
var chunkBytes = 32 * 2 ** 20;
function planRows(where2, rows, vocabSize, options) {
  const { temperature = 1, tokenWeights, banned = new Int32Array(0) } = options;
  const chunkRows = options.chunkRows ?? Math.max(1, Math.floor(chunkBytes / (4 * vocabSize)));
  requirePositive(where2, "temperature", temperature);
  if (!Number.isInteger(chunkRows))
    refuseArgument(where2, `chunkRows must be a whole number of rows, got ${chunkRows}.`);
  requirePositive(where2, "chunkRows", chunkRows);
  checkBanned(where2, banned, vocabSize);
  const weights = tokenWeights ?? new Float32Array(rows).fill(1);
  if (weights.length !== rows)
    refuseArgument(where2, `tokenWeights must have one entry for each of the ${rows} rows, got ${weights.length}.`);
  const wrong = weights.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
  if (wrong >= 0)
    refuseArgument(where2, `tokenWeights must be finite and at least 0, got ${weights[wrong]} at row ${wrong}.`);
  const active = Int32Array.from(weights.keys()).filter((row) => weights[row] > 0);
  const normalizer = options.normalizer ?? Math.max(1, active.length);
  requirePositive(where2, "normalizer", normalizer);
  const coefficients = Float32Array.from(active, (row) => weights[row] / normalizer);
  const chunks = Array.from({ length: Math.ceil(active.length / chunkRows) }, (_, i) => ({
    from: i * chunkRows,
    to: Math.min((i + 1) * chunkRows, active.length)
  }));
  return { where: where2, rows, vocabSize, temperature, banned, active, coefficients, chunks };
}
function takeActiveRows(plan, tensor) {
  if (plan.active.length === plan.rows) return tensor;
  return tf8.gather(tensor, tf8.tensor1d(plan.active, "int32"));
}
function restoreRows(plan, chunks, columns) {
  if (chunks.length === 0) return tf8.zeros([plan.rows, columns]);
  if (plan.active.length === plan.rows) return tf8.concat([...chunks], 0);
  const places = new Int32Array(plan.rows).fill(plan.active.length);
  for (const [place, row] of plan.active.entries()) places[row] = place;
  return tf8.gather(tf8.concat([...chunks, tf8.zeros([1, columns])], 0), tf8.tensor1d(places, "int32"));
}
function sliceChunk(tensor, { from, to }) {
  return tf8.slice(tensor, [from, 0], [to - from, tensor.shape[1]]);
}
function checkBanned(where2, banned, vocabSize) {
  const wrong = banned.find((id) => !(id >= 0 && id < vocabSize));
  if (wrong !== void 0) refuseArgument(where2, `banned must be ids from 0 to ${vocabSize - 1}, got ${wrong}.`);
  if (new Set(banned).size === vocabSize)
    refuseArgument(where2, `banned names all ${vocabSize} ids, so that no token is left.`);
}
function requirePositive(where2, name, value) {
  if (!(value > 0 && value < Number.POSITIVE_INFINITY))
    refuseArgument(where2, `${name} must be finite and above 0, got ${value}.`);
}

// src/loss-of-logits.ts
function lossOfLogits(plan, objective, logits) {
  const [student, teacher] = logits;
  let statistics;
  const taped = tf8.customGrad((_, saveFunction) => {
    const save = saveFunction;
    statistics = measure(plan, objective, logits);
    if (statistics !== void 0) tf8.keep(statistics);
    save([...logits, ...statistics === void 0 ? [] : [statistics]]);
    return {
      value: weightedSum(plan, objective, statistics),
      gradFunc: (dy, saved) => {
        const rows = saved.slice(0, logits.length);
        return tf8.mul(dy, differentiate(plan, objective, rows, saved[logits.length]));
      }
    };
  });
  const loss = tf8.tidy(() => {
    const value = taped(student);
    return teacher === void 0 ? value : forbidTeacherGradient(plan.where, value, teacher);
  });
  return createResult(plan, objective, loss, statistics);
}
function measure(plan, objective, logits) {
  if (plan.chunks.length === 0) return void 0;
  return tf8.tidy(() => {
    const chunkOf = createChunker(plan, logits);
    return tf8.concat(
      plan.chunks.map((chunk) => tf8.tidy(() => objective.measure(chunkOf(chunk), chunk))),
      1
    );
  });
}
function differentiate(plan, objective, logits, statistics) {
  return tf8.tidy(() => {
    const chunkOf = createChunker(plan, logits);
    const gradients = plan.chunks.map(
      (chunk) => tf8.tidy(() => {
        const { from, to } = chunk;
        const measured = tf8.slice(statistics, [0, from], [statistics.shape[0], to - from]);
        const coefficients = coefficientsOf(plan, objective, measured, chunk);
        return objective.differentiate(chunkOf(chunk), measured, coefficients, chunk);
      })
    );
    return restoreRows(plan, gradients, plan.vocabSize);
  });
}
function createChunker(plan, logits) {
  if (plan.chunks.length === 0) return () => [];
  const ceilings = createCeilings(plan);
  const active = logits.map((each) => takeActiveRows(plan, each));
  return (chunk) => active.map((each) => tf8.tidy(() => limitLogits(sliceChunk(each, chunk), ceilings)));
}
function takeHeadWeights(where2, head, source, weights) {
  return head.trainable.map((name) => {
    const weight = weights[name];
    if (weight !== void 0) return weight;
    throw new ImagineOpdError("mismatch", {
      where: where2,
      problem: `${source} must hold every name of head.trainable, and has no "${name}".`,
      ...source === "trainable" && { remedy: "Pass policy.trainable." },
      details: { name }
    });
  });
}
function checkTeacher(plan, states, head, teacher) {
  if (teacher === void 0) return;
  const { head: teacherHead = head } = teacher;
  if (teacher.states.shape[0] !== states.shape[0])
    throw new ImagineOpdError("mismatch", {
      where: plan.where,
      problem: `the teacher must have a row for each of the student's ${states.shape[0]}, got ${teacher.states.shape[0]}.`
    });
  if (teacherHead.vocabSize !== head.vocabSize)
    throw new ImagineOpdError("mismatch", {
      where: plan.where,
      problem: `student and teacher must share a vocabulary, got ${head.vocabSize} and ${teacherHead.vocabSize} ids.`
    });
}
function isTapeRecording(where2) {
  const { gradientDepth, kernelDepth } = engine().state;
  if (typeof gradientDepth !== "number" || typeof kernelDepth !== "number")
    throw new ImagineOpdError("missing-part", {
      where: where2,
      problem: "this version of @tensorflow/tfjs-core does not tell whether its tape is recording.",
      remedy: "Install @tensorflow/tfjs-core 4.22."
    });
  return gradientDepth > 0 && kernelDepth === 0;
}

// src/loss-through-head.ts
function lossThroughHead(plan, objective, states, { head, trainable }, teacher) {
  checkTeacher(plan, states, head, teacher);
  const inputs = [states, ...takeHeadWeights(plan.where, head, "trainable", trainable)];
  const recording = isTapeRecording(plan.where);
  let statistics;
  const taped = tf8.customGrad((...inputsAndSave) => {
    const save = inputsAndSave.at(-1);
    const walk = walkChunks(plan, objective, states, head, teacher, recording);
    statistics = walk?.statistics && tf8.keep(walk.statistics);
    if (recording) save(walk?.gradients ?? inputs.map((input) => tf8.zerosLike(input)));
    return {
      value: weightedSum(plan, objective, statistics),
      gradFunc: (dy, saved) => saved.map((gradient) => tf8.mul(dy, gradient))
    };
  });
  const loss = tf8.tidy(() => {
    const value = taped(...inputs);
    return teacher === void 0 ? value : forbidTeacherGradient(plan.where, value, teacher.states);
  });
  return createResult(plan, objective, loss, statistics);
}
function walkChunks(plan, objective, states, head, teacher, recording) {
  if (plan.chunks.length === 0) return void 0;
  return tf8.tidy(() => {
    const studentStates = takeActiveRows(plan, states);
    const logitsOf = createLogits(plan, head, teacher);
    const statistics = [];
    const stateGradients = [];
    let weightGradients = [];
    for (const chunk of plan.chunks) {
      const rows = sliceChunk(studentStates, chunk);
      const [measured, dLogits] = tf8.tidy(() => {
        const logits = logitsOf(rows, chunk);
        const measured2 = objective.measure(logits, chunk);
        if (!recording) return [measured2];
        const coefficients = coefficientsOf(plan, objective, measured2, chunk);
        return [measured2, objective.differentiate(logits, measured2, coefficients, chunk)];
      });
      statistics.push(measured);
      if (dLogits !== void 0) {
        const gradients2 = tf8.tidy(() => head.backward(rows, dLogits));
        stateGradients.push(gradients2.states);
        const terms = takeHeadWeights(plan.where, head, "head.backward().trainable", gradients2.trainable);
        weightGradients = accumulate(weightGradients, terms);
        dLogits.dispose();
      }
      rows.dispose();
    }
    const gradients = recording ? [restoreRows(plan, stateGradients, states.shape[1]), ...weightGradients] : [];
    return { statistics: tf8.concat(statistics, 1), gradients };
  });
}
function createLogits(plan, head, teacher) {
  const ceilings = createCeilings(plan);
  const teacherStates = teacher && takeActiveRows(plan, teacher.states);
  const limited = (logits) => tf8.tidy(() => limitLogits(logits(), ceilings));
  return (rows, chunk) => {
    const student = limited(() => head.logits(rows));
    if (teacher === void 0) return [student];
    const { head: teacherHead = head, weights } = teacher;
    return [student, limited(() => teacherHead.logits(sliceChunk(teacherStates, chunk), { weights }))];
  };
}
function accumulate(sums, terms) {
  return terms.map((term, i) => {
    const sum5 = sums[i];
    if (sum5 === void 0) return term;
    const next = tf8.add(sum5, term);
    tf8.dispose([sum5, term]);
    return next;
  });
}
function takeActiveNumbers(plan, name, numbers) {
  if (numbers.length !== plan.rows)
    refuseArgument(plan.where, `${name} must have one entry for each of the ${plan.rows} rows, got ${numbers.length}.`);
  return Float32Array.from(plan.active, (row) => {
    const number = numbers[row];
    if (!Number.isFinite(number))
      throw new ImagineOpdError("non-finite", {
        where: plan.where,
        problem: `${name} must be finite where the token weight is above 0, got ${number} at row ${row}.`,
        details: { row }
      });
    return number;
  });
}
function takeActiveLogProbs(plan, name, logProbs) {
  const taken = takeActiveNumbers(plan, name, logProbs);
  const wrong = taken.findIndex((logProb) => logProb > 1e-3);
  if (wrong >= 0)
    refuseArgument(
      plan.where,
      `${name} must be log-probs in nats (at most 0), got ${taken[wrong]} at row ${plan.active[wrong]}.`,
      "Probabilities need Math.log first."
    );
  return taken;
}
function takeActiveTokens(plan, tokens) {
  if (tokens.length !== plan.rows)
    refuseArgument(plan.where, `tokens must have one id for each of the ${plan.rows} rows, got ${tokens.length}.`);
  const banned = new Set(plan.banned);
  return Int32Array.from(plan.active, (row) => {
    const id = tokens[row];
    if (!(id >= 0 && id < plan.vocabSize))
      refuseArgument(plan.where, `tokens must be ids from 0 to ${plan.vocabSize - 1}, got ${id} at row ${row}.`);
    if (banned.has(id))
      refuseArgument(
        plan.where,
        `token ${id} at row ${row} is banned.`,
        "Mask the row with tokenWeights, or do not ban the id."
      );
    return id;
  });
}

// src/surrogates.ts
var crossEntropySurrogate = {
  statistics: ["value", "slope"],
  evaluate: (logProbs) => [tf8.neg(logProbs), tf8.fill(logProbs.shape, -1)]
};
function policyGradientSurrogate(plan, advantages, options) {
  const active = takeActiveNumbers(plan, "advantages", advantages);
  return ratioSurrogate(plan, (_, { from, to }) => tf8.tensor1d(active.subarray(from, to)), options);
}
function sampledReverseKlSurrogate(plan, teacherLogProbs, options) {
  const active = takeActiveLogProbs(plan, "teacherLogProbs", teacherLogProbs);
  const advantagesOf = (logProbs, { from, to }) => tf8.sub(tf8.tensor1d(active.subarray(from, to)), logProbs);
  return { ...ratioSurrogate(plan, advantagesOf, options), given: { teacherLogProb: active } };
}
var largestLogRatio = 20;
function ratioSurrogate(plan, advantagesOf, { samplingLogProbs, clip }) {
  if (clip !== void 0) checkClip(plan.where, clip);
  const sampling = samplingLogProbs === void 0 ? void 0 : takeActiveLogProbs(plan, "samplingLogProbs", samplingLogProbs);
  return {
    statistics: ["value", "slope", "ratio", ...clip === void 0 ? [] : ["clip"]],
    evaluate(logProbs, chunk) {
      const advantages = advantagesOf(logProbs, chunk);
      const logRatio = sampling === void 0 ? tf8.zerosLike(logProbs) : tf8.sub(logProbs, tf8.tensor1d(sampling.subarray(chunk.from, chunk.to)));
      const ratio = tf8.exp(tf8.clipByValue(logRatio, -largestLogRatio, largestLogRatio));
      const plain = tf8.neg(tf8.mul(advantages, ratio));
      const slope = tf8.mul(plain, tf8.cast(tf8.less(tf8.abs(logRatio), largestLogRatio), "float32"));
      if (clip === void 0) return [plain, slope, ratio];
      const { value, clipped } = clipSurrogate(plain, advantages, ratio, clip);
      return [value, tf8.mul(slope, tf8.cast(tf8.equal(clipped, 0), "float32")), ratio, clipped];
    }
  };
}
function clipSurrogate(plain, advantages, ratio, { low, high, dual }) {
  const bounded = tf8.neg(tf8.mul(advantages, tf8.clipByValue(ratio, 1 - low, 1 + high)));
  const byRatio = tf8.cast(tf8.greater(bounded, plain), "float32");
  const larger = tf8.maximum(plain, bounded);
  if (dual === void 0) return { value: larger, clipped: byRatio };
  const cap = tf8.mul(advantages, -dual);
  const aboveCap = tf8.logicalAnd(tf8.less(advantages, 0), tf8.greater(larger, cap));
  return { value: tf8.where(aboveCap, cap, larger), clipped: tf8.where(aboveCap, tf8.fill(cap.shape, 2), byRatio) };
}
function checkClip(where2, { low, high, dual = 2 }) {
  if (low > 0 && low < 1 && high > 0 && Number.isFinite(high) && dual > 1 && Number.isFinite(dual)) return;
  refuseArgument(where2, `clip needs 0 < low < 1, high > 0 and dual > 1, got low ${low}, high ${high}, dual ${dual}.`);
}
function neverOnTheTape(kernel) {
  throw new ImagineOpdError("unsupported", {
    where: `distillation-loss.${kernel}`,
    problem: "this kernel is not differentiable by itself.",
    remedy: "Call the loss functions, which bring their own gradient."
  });
}
function normalizeRows(logits, temperature) {
  return tf8.tidy(() => {
    const shift = tf8.max(logits, 1, true);
    const scaled = scale(tf8.sub(logits, shift), temperature);
    const exponentials = tf8.exp(scaled);
    const sum5 = tf8.sum(exponentials, 1, true);
    const logSum = tf8.log(sum5);
    return {
      logProbs: tf8.sub(scaled, logSum),
      probabilities: tf8.div(exponentials, sum5),
      shift,
      logSum
    };
  });
}
function logProbsFrom(logits, { shift, logSum }, temperature) {
  return tf8.tidy(() => tf8.sub(scale(tf8.sub(logits, shift), temperature), logSum));
}
function hasPossibleToken(shift) {
  return tf8.step(tf8.sub(shift, impossibleLogit / 10));
}
function entropyOf({ logProbs, probabilities }) {
  return tf8.tidy(() => tf8.neg(tf8.sum(tf8.mul(probabilities, logProbs), 1, true)));
}
function pickTokens(rows, tokens) {
  return tf8.tidy(() => {
    const [count, vocabSize] = rows.shape;
    const starts = tf8.mul(tf8.range(0, count, 1, "int32"), tf8.scalar(vocabSize, "int32"));
    return tf8.gather(tf8.reshape(rows, [count * vocabSize]), tf8.add(starts, tokens));
  });
}
function scale(rows, temperature) {
  return temperature === 1 ? rows : tf8.div(rows, temperature);
}

// src/row-token-score.ts
var tokenScoreStatistics = [
  "defined",
  "studentShift",
  "studentLogSum",
  "studentEntropy",
  "studentLogProb"
];
var rowTokenScore = defineOp({
  name: "RowTokenScore",
  save: { inputs: false },
  compose: ([logits, tokens], { temperature }) => {
    const rows = normalizeRows(logits, temperature);
    const logProbs = pickTokens(rows.logProbs, tokens);
    return stackStatistics([hasPossibleToken(rows.shift), rows.shift, rows.logSum, entropyOf(rows), logProbs]);
  },
  gradient: () => neverOnTheTape("RowTokenScore")
});
var rowTokenGradient = defineOp({
  name: "RowTokenGradient",
  save: { inputs: false },
  compose: ([logits, tokens, score, coefficients], { temperature }) => {
    const column = (name) => pickColumn(score, tokenScoreStatistics, name);
    const rows = { shift: column("studentShift"), logSum: column("studentLogSum") };
    const probabilities = tf8.exp(logProbsFrom(logits, rows, temperature));
    const chosen = tf8.oneHot(tokens, logits.shape[1], 1, 0, "float32");
    return tf8.mul(
      tf8.sub(chosen, probabilities),
      tf8.div(tf8.reshape(coefficients, [coefficients.size, 1]), temperature)
    );
  },
  gradient: () => neverOnTheTape("RowTokenGradient")
});

// src/token-objective.ts
function tokenObjective(plan, tokens, surrogate) {
  const { temperature } = plan;
  const activeTokens = takeActiveTokens(plan, tokens);
  const idsOf = ({ from, to }) => tf8.tensor1d(activeTokens.subarray(from, to), "int32");
  const statistics = [...surrogate.statistics, ...tokenScoreStatistics];
  return {
    statistics,
    ...surrogate.given && { given: surrogate.given },
    measure: ([logits], chunk) => tf8.tidy(() => {
      const score = rowTokenScore([logits, idsOf(chunk)], { temperature });
      const logProbs = pickStatistic(score, tokenScoreStatistics, "studentLogProb");
      return tf8.concat([stackStatistics(surrogate.evaluate(logProbs, chunk)), score], 0);
    }),
    differentiate: ([logits], measured, coefficients, chunk) => tf8.tidy(() => {
      const slope = pickStatistic(measured, statistics, "slope");
      const first = surrogate.statistics.length;
      const score = tf8.slice(measured, [first, 0], [tokenScoreStatistics.length, measured.shape[1]]);
      const inputs = [logits, idsOf(chunk), score, tf8.mul(coefficients, slope)];
      return rowTokenGradient(inputs, { temperature });
    })
  };
}

// src/cross-entropy.ts
function crossEntropy(logits, options) {
  const where2 = "distillation-loss.crossEntropy";
  requireMatrix(where2, "logits", logits);
  const plan = planRows(where2, logits.shape[0], logits.shape[1], options);
  return lossOfLogits(plan, tokenObjective(plan, options.tokens, crossEntropySurrogate), [logits]);
}
function crossEntropyThroughHead(states, options) {
  const where2 = "distillation-loss.crossEntropyThroughHead";
  requireMatrix(where2, "states", states);
  const plan = planRows(where2, states.shape[0], options.head.vocabSize, options);
  return lossThroughHead(plan, tokenObjective(plan, options.tokens, crossEntropySurrogate), states, options);
}
var divergenceStatistics = [
  "value",
  "defined",
  "pull",
  "studentShift",
  "studentLogSum",
  "teacherShift",
  "teacherLogSum",
  "studentEntropy",
  "teacherEntropy",
  "studentLogProb",
  "teacherLogProb"
];
var rowDivergence = defineOp({
  name: "RowDivergence",
  save: { inputs: false },
  compose: ([student, teacher, tokens], { divergence: divergence2, temperature }) => {
    const s = normalizeRows(student, temperature);
    const t = normalizeRows(teacher, temperature);
    const { value, pull } = compareRows(s, t, divergence2);
    const defined = tf8.mul(hasPossibleToken(s.shift), hasPossibleToken(t.shift));
    const columns = [value, defined, pull, s.shift, s.logSum, t.shift, t.logSum];
    columns.push(entropyOf(s), entropyOf(t));
    if (tokens !== void 0)
      columns.push(pickTokens(s.logProbs, tokens), pickTokens(t.logProbs, tokens));
    return stackStatistics(columns);
  },
  gradient: () => neverOnTheTape("RowDivergence")
});
var rowDivergenceGradient = defineOp({
  name: "RowDivergenceGradient",
  save: { inputs: false },
  compose: ([student, teacher, statistics, coefficients], { divergence: divergence2, temperature }) => {
    const column = (name) => pickColumn(statistics, divergenceStatistics, name);
    const studentRows = { shift: column("studentShift"), logSum: column("studentLogSum") };
    const teacherRows = { shift: column("teacherShift"), logSum: column("teacherLogSum") };
    const s = logProbsFrom(student, studentRows, temperature);
    const t = logProbsFrom(teacher, teacherRows, temperature);
    const scale2 = tf8.div(tf8.reshape(coefficients, [coefficients.size, 1]), temperature);
    const pulled = (ratio) => tf8.mul(tf8.exp(s), tf8.sub(ratio, column("pull")));
    switch (divergence2.kind) {
      case "forward-kl":
        return tf8.mul(tf8.sub(tf8.exp(s), tf8.exp(t)), scale2);
      case "reverse-kl":
        return tf8.mul(pulled(tf8.sub(s, t)), scale2);
      case "jsd":
        return tf8.mul(pulled(logRatioToMixture(tf8.sub(s, t), 1 - divergence2.beta)), tf8.mul(scale2, 1 - divergence2.beta));
    }
  },
  gradient: () => neverOnTheTape("RowDivergenceGradient")
});
function compareRows(s, t, divergence2) {
  return tf8.tidy(() => {
    const logRatio = tf8.sub(s.logProbs, t.logProbs);
    switch (divergence2.kind) {
      case "reverse-kl": {
        const value = expectation(s, () => logRatio);
        return { value, pull: tf8.clone(value) };
      }
      case "forward-kl": {
        const value = tf8.neg(expectation(t, () => logRatio));
        return { value, pull: tf8.zerosLike(value) };
      }
      case "jsd": {
        const { beta } = divergence2;
        const ofStudent = expectation(s, () => logRatioToMixture(logRatio, 1 - beta));
        const ofTeacher = expectation(t, () => logRatioToMixture(tf8.neg(logRatio), beta));
        return { value: tf8.add(tf8.mul(ofTeacher, beta), tf8.mul(ofStudent, 1 - beta)), pull: ofStudent };
      }
    }
  });
}
function expectation({ probabilities }, numbers) {
  return tf8.tidy(() => tf8.sum(tf8.mul(probabilities, numbers()), 1, true));
}
function logRatioToMixture(logRatio, share) {
  return tf8.tidy(
    () => tf8.sub(-Math.log(share), tf8.softplus(tf8.sub(Math.log((1 - share) / share), logRatio)))
  );
}

// src/divergence-objective.ts
function divergenceObjective(plan, divergence2, tokens) {
  checkDivergence(plan.where, divergence2);
  const attributes = { divergence: divergence2, temperature: plan.temperature };
  const activeTokens = tokens === void 0 ? void 0 : takeActiveTokens(plan, tokens);
  return {
    statistics: tokens === void 0 ? divergenceStatistics.slice(0, -2) : divergenceStatistics,
    measure: (logits, { from, to }) => tf8.tidy(() => {
      const ids = activeTokens === void 0 ? [] : [tf8.tensor1d(activeTokens.subarray(from, to), "int32")];
      return rowDivergence([...logits, ...ids], attributes);
    }),
    differentiate: (logits, statistics, coefficients) => rowDivergenceGradient([...logits, statistics, coefficients], attributes)
  };
}
function checkDivergence(where2, divergence2) {
  const kind = divergence2.kind;
  if (kind === "reverse-kl" || kind === "forward-kl") return;
  if (divergence2.kind !== "jsd")
    refuseArgument(
      where2,
      `divergence.kind must be "reverse-kl", "forward-kl" or "jsd", got ${JSON.stringify(kind)}.`,
      kind === "k1" ? "k1 has an expected gradient of 0; the sampled form of the reverse KL is sampledReverseKl." : void 0
    );
  const { beta } = divergence2;
  if (!(beta > 0 && beta < 1))
    refuseArgument(
      where2,
      `beta of the jsd must be above 0 and below 1, got ${beta}.`,
      'The jsd vanishes at both ends: use kind "forward-kl" (beta towards 0) or "reverse-kl" (beta towards 1).'
    );
}

// src/divergence.ts
function divergence(student, teacher, options) {
  const where2 = "distillation-loss.divergence";
  requireMatrix(where2, "student", student);
  requireSameShape(where2, student, teacher);
  const plan = planRows(where2, student.shape[0], student.shape[1], options);
  return lossOfLogits(plan, divergenceObjective(plan, options.divergence, options.tokens), [student, teacher]);
}
function divergenceThroughHead(states, options) {
  const where2 = "distillation-loss.divergenceThroughHead";
  requireMatrix(where2, "states", states);
  requireMatrix(where2, "teacher.states", options.teacher.states);
  const plan = planRows(where2, states.shape[0], options.head.vocabSize, options);
  const objective = divergenceObjective(plan, options.divergence, options.tokens);
  return lossThroughHead(plan, objective, states, options, options.teacher);
}
function estimateReverseKl(estimator, studentLogProbs, teacherLogProbs) {
  if (studentLogProbs.length !== teacherLogProbs.length)
    throw new ImagineOpdError("mismatch", {
      where: "distillation-loss.estimateReverseKl",
      problem: `student and teacher must score the same tokens, got ${studentLogProbs.length} and ${teacherLogProbs.length} log-probs.`
    });
  return studentLogProbs.map((student, i) => estimateOne(estimator, student - teacherLogProbs[i]));
}
function estimateOne(estimator, logRatio) {
  switch (estimator) {
    case "k1":
      return logRatio;
    case "k2":
      return 0.5 * logRatio ** 2;
    case "k3":
      return Math.expm1(-logRatio) + logRatio;
    default:
      throw new ImagineOpdError("invalid-argument", {
        where: "distillation-loss.estimateReverseKl",
        problem: `estimator must be "k1", "k2" or "k3", got ${JSON.stringify(estimator)}.`
      });
  }
}

// src/policy-gradient.ts
function policyGradient(logits, options) {
  const where2 = "distillation-loss.policyGradient";
  requireMatrix(where2, "logits", logits);
  const plan = planRows(where2, logits.shape[0], logits.shape[1], options);
  const surrogate = policyGradientSurrogate(plan, options.advantages, options);
  return lossOfLogits(plan, tokenObjective(plan, options.tokens, surrogate), [logits]);
}
function policyGradientThroughHead(states, options) {
  const where2 = "distillation-loss.policyGradientThroughHead";
  requireMatrix(where2, "states", states);
  const plan = planRows(where2, states.shape[0], options.head.vocabSize, options);
  const surrogate = policyGradientSurrogate(plan, options.advantages, options);
  return lossThroughHead(plan, tokenObjective(plan, options.tokens, surrogate), states, options);
}

// src/sampled-reverse-kl.ts
function sampledReverseKl(student, options) {
  const where2 = "distillation-loss.sampledReverseKl";
  requireMatrix(where2, "student", student);
  const plan = planRows(where2, student.shape[0], student.shape[1], options);
  const surrogate = sampledReverseKlSurrogate(plan, options.teacherLogProbs, options);
  return lossOfLogits(plan, tokenObjective(plan, options.tokens, surrogate), [student]);
}
function sampledReverseKlThroughHead(states, options) {
  const where2 = "distillation-loss.sampledReverseKlThroughHead";
  requireMatrix(where2, "states", states);
  const plan = planRows(where2, states.shape[0], options.head.vocabSize, options);
  const surrogate = sampledReverseKlSurrogate(plan, options.teacherLogProbs, options);
  return lossThroughHead(plan, tokenObjective(plan, options.tokens, surrogate), states, options);
}
var topShare = 0.05;
function summarizeTokens(values, { lengths, tokenWeights }) {
  checkLengths(values, lengths, tokenWeights);
  const counted = [];
  const sequenceMeans = [];
  const firstValues = [];
  const deciles = Array.from({ length: 10 }, () => []);
  let start = 0;
  for (const length of lengths) {
    const sequence = [];
    for (let position = 0; position < length; position++) {
      if (tokenWeights?.[start + position] === 0) continue;
      const value = values[start + position];
      sequence.push(value);
      if (position === 0) firstValues.push(value);
      deciles[Math.floor(10 * position / length)].push(value);
    }
    for (const value of sequence) counted.push(value);
    if (sequence.length > 0) sequenceMeans.push(sum4(sequence) / sequence.length);
    start += length;
  }
  const tokenMean = mean(counted);
  return {
    tokenMean,
    sequenceMean: mean(sequenceMeans),
    firstTokenMean: mean(firstValues),
    minimum: counted.length === 0 ? null : counted.reduce((a, b) => Math.min(a, b)),
    maximum: counted.length === 0 ? null : counted.reduce((a, b) => Math.max(a, b)),
    standardDeviation: tokenMean === null ? null : Math.sqrt(mean(counted.map((value) => (value - tokenMean) ** 2))),
    positiveShare: mean(counted.map((value) => value > 0 ? 1 : 0)),
    topSignalShare: topSignalShareOf(counted),
    decileMeans: deciles.map(mean)
  };
}
function topSignalShareOf(values) {
  const sizes = values.map(Math.abs).sort((a, b) => b - a);
  const total = sum4(sizes);
  return total === 0 ? null : sum4(sizes.slice(0, Math.ceil(topShare * sizes.length))) / total;
}
function mean(values) {
  return values.length === 0 ? null : sum4(values) / values.length;
}
function sum4(values) {
  return values.reduce((a, b) => a + b, 0);
}
function checkLengths(values, lengths, tokenWeights) {
  const where2 = "distillation-loss.summarizeTokens";
  const total = sum4([...lengths]);
  if (lengths.some((length) => length < 0) || total !== values.length)
    throw new ImagineOpdError("mismatch", {
      where: where2,
      problem: `lengths must add up to the ${values.length} values, got ${total}.`
    });
  if (tokenWeights !== void 0 && tokenWeights.length !== values.length)
    throw new ImagineOpdError("mismatch", {
      where: where2,
      problem: `tokenWeights must have one entry for each of the ${values.length} values, got ${tokenWeights.length}.`
    });
}
async function tokenLogProbs(states, { head, weights = { kind: "student" }, tokens, ...options }) {
  const where2 = "distillation-loss.tokenLogProbs";
  requireMatrix(where2, "states", states);
  const plan = planRows(where2, states.shape[0], head.vocabSize, options);
  const ids = takeActiveTokens(plan, tokens);
  if (ids.length === 0) return { logProbs: new Float32Array(0), entropy: new Float32Array(0) };
  const scores = tf8.keep(scoreChunks(plan, states, head, weights, ids));
  try {
    const numbers = await scores.data();
    const row = (name) => {
      const first = tokenScoreStatistics.indexOf(name) * ids.length;
      return numbers.slice(first, first + ids.length);
    };
    return { logProbs: row("studentLogProb"), entropy: row("studentEntropy") };
  } finally {
    scores.dispose();
  }
}
function scoreChunks(plan, states, head, weights, ids) {
  return tf8.tidy(() => {
    const ceilings = createCeilings(plan);
    const scores = plan.chunks.map(
      (chunk) => tf8.tidy(() => {
        const logits = tf8.tidy(() => limitLogits(head.logits(sliceChunk(states, chunk), { weights }), ceilings));
        const tokens = tf8.tensor1d(ids.subarray(chunk.from, chunk.to), "int32");
        return rowTokenScore([logits, tokens], { temperature: plan.temperature });
      })
    );
    return tf8.concat(scores, 1);
  });
}

export { crossEntropy, crossEntropyThroughHead, divergence, divergenceThroughHead, estimateReverseKl, policyGradient, policyGradientThroughHead, sampledReverseKl, sampledReverseKlThroughHead, summarizeTokens, tokenLogProbs };
//# sourceMappingURL=index.js.map
//# sourceMappingURL=index.js.map