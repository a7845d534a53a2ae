// The customers: real HTTP requests, many at once.

import { Agent, get } from 'node:http';

/** Customers who look at a product at the same time. */
const CUSTOMERS = 12;
const TIMEOUT_MS = 15_000;

/**
 * Sends `count` requests for products to the gateway. Resolves with the answers' status and the
 * trace each was made in; rejects when one does not come.
 *
 * @param onAnswer called with how many are answered.
 */
export async function sendRequests(gateway, count, onAnswer) {
  const agent = new Agent({ keepAlive: true, maxSockets: CUSTOMERS });
  const answers = [];
  let asked = 0;
  const customer = async () => {
    while (asked < count) {
      answers.push(await ask(`${gateway}/products/sku-${++asked}`, agent));
      onAnswer(answers.length);
    }
  };
  await Promise.all(Array.from({ length: CUSTOMERS }, customer));
  agent.destroy();
  return answers;
}

function ask(url, agent) {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent, timeout: TIMEOUT_MS }, (answer) => {
      answer.resume();
      answer.on('error', reject);
      answer.on('end', () => {
        resolve({ status: answer.statusCode, traceId: answer.headers['x-trace-id'] });
      });
    });
    request.on('timeout', () => {
      request.destroy(new Error(`${url}: no answer within ${TIMEOUT_MS} ms`));
    });
    request.on('error', reject);
  });
}
