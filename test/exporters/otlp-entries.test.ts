import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { ROOT, runNode } from '../support/bundle.ts';

async function sourcesOf(entry: string): Promise<string[]> {
  const { metafile } = await build({
    ...{ absWorkingDir: ROOT, entryPoints: [entry], outdir: 'build', write: false, metafile: true },
    ...{ bundle: true, format: 'esm', platform: 'node', packages: 'external' },
    ...{ external: ['*.wasm'], splitting: true, logLevel: 'silent' },
  });
  return Object.keys(metafile.inputs);
}

describe('what the exporters have in them', () => {
  it.each(
    ['node', 'deno', 'browser', 'edge'].flatMap((host) =>
      ['proto', 'http'].map((protocol) => [host, protocol] as const),
    ),
  )('%s, %s: neither tracers nor samplers, detectors, propagators', async (host, protocol) => {
    const sources = await sourcesOf(`src/runtime/${host}/exporter-${protocol}.ts`);
    const unneeded =
      /api\/(trace\/(tracer|provider|samplers)|resource|propagation)|pipeline|telemetry\./;
    expect(sources.filter((source) => unneeded.test(source))).toEqual([]);
    expect(sources.includes('src/codec/json.ts')).toBe(protocol === 'http');
    expect(sources.includes('src/options/env.ts')).toBe(host === 'node' || host === 'deno');
  });
});

const RUN = ['--input-type=module', '-e'];

describe('the package', () => {
  it.each(['workerd', 'edge-light'])(
    'exporters/grpc, %s: importing it says that the host has no HTTP/2 client, and what to use',
    async (condition) => {
      const script = `
        import('otlp-wasm/exporters/grpc').catch(({ name, code, message }) =>
          console.log(JSON.stringify({ name, code, message })));`;
      const { stdout } = await runNode([`--conditions=${condition}`, ...RUN, script]);
      expect(JSON.parse(stdout)).toEqual({
        name: 'OtlpError',
        code: 'not_supported',
        message: expect.stringMatching(/HTTP\/2 client.*otlp-wasm\/exporters\/proto/s),
      });
    },
  );

  it('what a program loses that ends during an outage is said', async () => {
    const script = `
      import { OTLPTraceExporter } from 'otlp-wasm/exporters/proto';
      import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
      const exporter = new OTLPTraceExporter({ url: 'http://127.0.0.1:1/v1/traces' });
      const processor = new BatchSpanProcessor({ exporter });
      new TracerProvider({ spanProcessors: [processor] }).getTracer('t').startSpan('s').end();
      await processor.forceFlush();
      process.exit(3);`;
    const { code, stderr } = await runNode([...RUN, script]);
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^otlp-wasm: the collector does not answer, .*1 span kept/),
      expect.stringMatching(/^otlp-wasm: 1 span lost \(exit 1\): .*shutdown\(\)/),
    ]);
    expect(code).toBe(3);
  });

  it('a program runs until it is known what becomes of its spans, and no longer', async () => {
    const script = `
      import { OTLPTraceExporter } from 'otlp-wasm/exporters/proto';
      import { TracerProvider } from '@opentelemetry/sdk-trace';
      const exporter = new OTLPTraceExporter({ url: 'http://127.0.0.1:1/v1/traces' });
      const onEnd = (span) => exporter.export([span], ({ error }) => console.log(error.message));
      new TracerProvider({ spanProcessors: [{ onStart() {}, onEnd }] })
        .getTracer('t').startSpan('s').end();`;
    const { code, stdout, stderr } = await runNode([...RUN, script]);
    expect(stdout).toMatch(/^1 span kept, to be sent again.*ECONNREFUSED/);
    expect(stderr).toMatch(/^otlp-wasm: 1 span lost \(exit 1\)/m);
    expect(code).toBe(0);
  });

  it('a program that has nothing else to do is not kept running', async () => {
    const script = `
      import { OTLPTraceExporter } from 'otlp-wasm/exporters/http';
      const exporter = new OTLPTraceExporter({ url: 'http://127.0.0.1:1/v1/traces' });
      exporter.export([], ({ code }) => console.log(code));`;
    const { code, stdout } = await runNode([...RUN, script]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '0\n' });
  });
});
