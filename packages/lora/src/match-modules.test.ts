import { expect, test } from "vitest";
import { matchModules } from "./match-modules.ts";

const names = [
  "model.text_model.layers.0.self_attn.q_proj",
  "model.text_model.layers.0.self_attn.v_proj",
  "model.text_model.layers.1.self_attn.q_proj",
  "model.vision_model.encoder.layers.0.self_attn.q_proj",
  "model.vision_model.encoder.layers.0.attn.my_q_proj",
  "lm_head",
];

test("a list matches the last parts of names, in every tower", () => {
  expect(matchModules(names, ["q_proj"])).toEqual([names[0], names[2], names[3]]);
  expect(matchModules(names, ["lm_head", "layers.0.self_attn.q_proj"])).toEqual([names[0], names[3], names[5]]);
  expect(matchModules(names, [names[2]!])).toEqual([names[2]]);
});

test("a string is a regular expression for the whole name", () => {
  expect(matchModules(names, String.raw`.*text_model\.layers\.\d+\..*(q_proj|v_proj)`)).toEqual(names.slice(0, 3));
  expect(matchModules(names, "lm_head|x")).toEqual(["lm_head"]);
  expect(() => matchModules(names, "q_proj")).toThrow(/`target` "q_proj" matches no module's name/);
  expect(() => matchModules(names, "model")).toThrow(/matches no module's name/);
});

test("a list entry that matches nothing is named", () => {
  expect(() => matchModules(names, ["q_proj", "k_prj"])).toThrow(/lora\.matchModules: `target` "k_prj" matches no/);
  expect(() => matchModules(names, [])).toThrow(/matches no module's name/);
  expect(() => matchModules([], ["q_proj"])).toThrow(/matches no module's name/);
});

test.each(["(", "(?P<layer>\\d)", "lm_head\\Z", ".*{,3}"])(
  "the pattern %j, which Python reads otherwise, is refused",
  (target) => {
    expect(() => matchModules(names, target)).toThrow(/not a regular expression that JavaScript and Python read alike/);
  },
);
