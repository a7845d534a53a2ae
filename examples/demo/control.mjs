// The service's end of the wire to the demo: messages over the channel of a forked process. An
// application has no need of this.

/** Until a service announces another. */
const server = { close: async () => {} };

/** Listens on a free port and says which. */
export async function announce(httpServer) {
  server.close = () => new Promise((resolve) => httpServer.close(resolve));
  await new Promise((resolve) => httpServer.listen(0, '127.0.0.1', resolve));
  process.send?.({ url: `http://127.0.0.1:${httpServer.address().port}` });
}

/** Answers the demo's question for the CPU time so far, and its order to stop. */
export function obeyDemo(telemetry) {
  process.on('message', async (order) => {
    if (order === 'cpu') process.send({ cpu: process.cpuUsage() });
    if (order !== 'stop') return;
    // Closed once every answer is out: only then has every span ended.
    await server.close();
    const report = await telemetry.shutdown();
    const answer = { report, health: telemetry.health(), cpu: process.cpuUsage() };
    process.send(answer, () => process.disconnect());
  });
  // The demo is gone without a word: nobody is left to serve.
  process.on('disconnect', () => process.exit());
}
