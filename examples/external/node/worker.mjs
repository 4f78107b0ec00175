// A worker in Node: how many steps a positive integer takes to 1, where even ones are halved, and odd ones tripled plus one.
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";

function steps(n) {
  if (!Number.isSafeInteger(n) || n < 1) throw new Error(`${JSON.stringify(n)} is no positive integer of at most 53 bits`);
  let count = 0;
  for (let m = BigInt(n); m > 1n; count++) m = m % 2n ? 3n * m + 1n : m / 2n;
  return count;
}

const { SQUALL_CONTRACT, SQUALL_REPLIES_FD } = process.env;
const lines = process.argv.length > 2 ? process.argv.slice(2) : createInterface({ input: process.stdin });
for await (const line of lines) {
  const message = JSON.parse(line);
  if (!SQUALL_CONTRACT) console.log(steps(message)); // by hand: node worker.mjs 27
  else if (message.hello) writeSync(+SQUALL_REPLIES_FD, '{"squall":1,"ready":true}\n');
  else if (message.items) {
    const errors = {};
    const value = (n, at) => { try { return steps(n); } catch (error) { errors[at] = error.message; return null; } };
    const reply = { id: message.id, values: message.items.map(value), errors };
    for (let left = Buffer.from(JSON.stringify(reply) + "\n"); left.length; ) left = left.subarray(writeSync(+SQUALL_REPLIES_FD, left));
  }
}
