import type { Span } from '@opentelemetry/api';
import { SpanIdentity } from './identity.ts';

/** A span that is not recorded: it carries its ids on, and its calls do nothing. */
export class NonRecordingSpan extends SpanIdentity implements Span {
  setAttribute(): this {
    return this;
  }

  setAttributes(): this {
    return this;
  }

  addEvent(): this {
    return this;
  }

  addLink(): this {
    return this;
  }

  addLinks(): this {
    return this;
  }

  setStatus(): this {
    return this;
  }

  updateName(): this {
    return this;
  }

  isRecording(): boolean {
    return false;
  }

  recordException(): void {}

  end(): void {}
}
