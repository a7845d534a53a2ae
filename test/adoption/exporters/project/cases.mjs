// One case after the other; each ends up as a line of JSON on standard output.

/** Longest a case may take. */
const CASE_MS = 30_000;

const cases = [];

/** `run` may return requests to be compared: `{ protocol, upstream, ours }`, lists of bodies. */
export function it(name, run) {
  cases.push({ name, run });
}

async function inTime(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result within ${CASE_MS / 1000} s`)), CASE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const base64 = (bodies) => bodies.map((body) => Buffer.from(body).toString('base64'));

export async function runCases() {
  for (const { name, run } of cases) {
    const result = { name };
    try {
      const compared = await inTime(run());
      if (compared !== undefined) {
        const { protocol, upstream, ours } = compared;
        result.compared = { protocol, upstream: base64(upstream), ours: base64(ours) };
      }
    } catch (error) {
      result.wrong = error?.stack ?? String(error);
    }
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
}
