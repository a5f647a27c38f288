/**
 * GRPO's advantage: `(reward − mean) / (standard deviation + 1e-4)` within each group of rollouts of one prompt
 * (Shao et al., arXiv 2402.03300, eq. 3; the small constant as in common implementations).
 * @param rewards groups one after the other
 */
export function groupAdvantages(rewards: readonly number[], groupSize: number): Float32Array {
  return Float32Array.from(rewards, (reward, i) => {
    const start = Math.floor(i / groupSize) * groupSize;
    const group = rewards.slice(start, start + groupSize);
    const mean = group.reduce((a, b) => a + b, 0) / group.length;
    const variance = group.reduce((sum, other) => sum + (other - mean) ** 2, 0) / group.length;
    return (reward - mean) / (Math.sqrt(variance) + 1e-4);
  });
}
