import { nest, optionsFor, record, refusedJourney, signalsJourney } from './journey.mjs';

/** What a worker answers whose telemetry `start` starts, as the query of the request asks for. */
export function answerWith(start) {
  // Not started here: a worker has neither random numbers nor network before its first request.
  const telemetries = new Map();

  return async (request, env, context) => {
    const asked = new URL(request.url).searchParams;
    const engine = asked.get('engine') ?? undefined;
    const protocol = asked.get('protocol') ?? undefined;
    const compression = asked.get('compression') ?? undefined;
    const options = optionsFor(env.COLLECTOR, { engine, protocol, compression });
    if (asked.has('signals')) return Response.json(await signalsJourney(start, options));
    if (asked.has('refused')) return Response.json(await refusedJourney(start, options));
    const kind = `${engine} ${protocol} ${compression}`;
    if (!telemetries.has(kind)) telemetries.set(kind, start(options));
    const telemetry = telemetries.get(kind);
    if (asked.has('nested')) await nest(telemetry.register());
    else record(telemetry);
    // The answer does not wait for the collector.
    context.waitUntil(telemetry.flush());
    return Response.json(telemetry.health());
  };
}
