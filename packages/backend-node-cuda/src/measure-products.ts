import * as tf from "@tensorflow/tfjs-core";

/** 1 + 2⁻¹²: float32 holds it, TF32 with its 10 bits rounds it to 1. */
const fine = 1 + 2 ** -12;

/** What matrix products round their operands to: products with an identity, large enough for a card's matrix units. */
export async function measureProducts(): Promise<"float32" | "tf32"> {
  const product = tf.tidy(() => tf.matMul(tf.fill([64, 64], fine), tf.eye(64)));
  try {
    return (await product.data())[0] === fine ? "float32" : "tf32";
  } finally {
    product.dispose();
  }
}
