import type { RecordValue } from '../../buffer/record.ts';
import { ShapeTree, type Treatment } from '../../buffer/shape.ts';
import { snapshot } from '../trace/attributes.ts';
import { say } from '../trace/say.ts';

/** What bodies are as, for redaction: rules that name it apply to all of a body. */
const BODY = 'body';

/** What is to be done with a key that has two names: `body.user` and `user`. */
function stricter(one: Treatment, other: Treatment): Treatment {
  if (one.action === 'keep') return one;
  if (other.action === 'keep') return other;
  return {
    action: other.action === 'none' ? one.action : other.action,
    within: (name) => stricter(one.within(name), other.within(name)),
  };
}

/**
 * How bodies are taken: as attribute values are, but of any length (specification, "LogRecord Limits":
 * they are of attributes). Redaction treats the keys of a map as it does those of attributes.
 */
export class Bodies {
  readonly tree: ShapeTree;
  private readonly treatment: Treatment | undefined;

  constructor(logShapes: ShapeTree) {
    const { bounds, redaction } = logShapes;
    this.tree = new ShapeTree({ ...bounds, valueLength: Number.POSITIVE_INFINITY }, redaction);
    const whole = logShapes.treatment(BODY);
    if (whole === undefined) return;
    this.treatment = {
      action: whole.action,
      within: (name) => stricter(whole.within(name), logShapes.treatment(name)!),
    };
  }

  /** A body as it is at this moment; undefined for what is none. Never throws. */
  take(body: unknown): RecordValue | undefined {
    const { tree, treatment } = this;
    if (typeof body === 'string' && treatment === undefined) return body;
    if (body === undefined) return undefined;
    if (treatment?.action === 'drop') {
      tree.redaction!.counts.dropped++;
      return undefined;
    }
    try {
      return snapshot(body, tree, treatment);
    } catch (error) {
      say('warn', 'a body that cannot be read, or has too many members, is left out', error);
      return undefined;
    }
  }
}
