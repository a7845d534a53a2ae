import type { Outcome, Payload, Transport } from '../deliver/transport.ts';

/** One of the transports that get everything. */
export interface Member {
  /** For messages. */
  readonly name: string;
  readonly transport: Transport;
}

type Answered = Exclude<Outcome, { kind: 'retryable' }>;
type Unanswered = Extract<Outcome, { kind: 'retryable' }>;

/**
 * Sends each payload to all members, uncompressed. It counts as what the worst of them made of it:
 * it is sent again while one of them wants that, and only to those; it is rejected when one of them
 * has rejected it.
 */
export function fanOutTransport(members: readonly Member[]): Transport {
  /** What members have answered to payloads that are sent again. */
  const answers = new WeakMap<Payload, Map<Member, Answered>>();

  async function send(payload: Payload): Promise<Outcome> {
    const answered = answers.get(payload) ?? new Map<Member, Answered>();
    const again: Unanswered[] = [];
    await Promise.all(
      members.map(async (member) => {
        if (answered.has(member)) return;
        const outcome = await member.transport.send(payload);
        if (outcome.kind !== 'retryable') answered.set(member, outcome);
        else again.push({ ...outcome, reason: `${member.name}: ${outcome.reason}` });
      }),
    );
    if (again.length > 0) {
      answers.set(payload, answered);
      return latest(again);
    }
    return worst([...answered]);
  }

  function close(): void {
    for (const { transport } of members) transport.close();
  }

  return { name: members.map(({ name }) => name).join(','), compression: 'none', send, close };
}

/** All may be sent to again when the one that asks for most time may be. */
function latest(outcomes: readonly Unanswered[]): Outcome {
  const delayMs = Math.max(...outcomes.map((outcome) => outcome.delayMs ?? 0));
  return {
    kind: 'retryable',
    reason: outcomes.map(({ reason }) => reason).join('; '),
    ...(delayMs > 0 && { delayMs }),
    ...(outcomes.every(({ atOnce }) => atOnce) && { atOnce: true }),
  };
}

function worst(outcomes: readonly (readonly [Member, Answered])[]): Outcome {
  const said = (kind: Answered['kind'], text: (outcome: Answered) => string | undefined) =>
    outcomes
      .filter(([, outcome]) => outcome.kind === kind && text(outcome) !== undefined)
      .map(([{ name }, outcome]) => `${name}: ${text(outcome)}`)
      .join('; ');
  const all = outcomes.map(([, outcome]) => outcome);
  if (all.some(({ kind }) => kind === 'rejected')) {
    const reason = said('rejected', (outcome) =>
      'reason' in outcome ? outcome.reason : undefined,
    );
    return { kind: 'rejected', reason };
  }
  const rejected = Math.max(
    0,
    ...all.map((outcome) => ('rejected' in outcome ? outcome.rejected : 0)),
  );
  if (all.some(({ kind }) => kind === 'partial')) {
    const message = said('partial', (outcome) =>
      'message' in outcome ? outcome.message : undefined,
    );
    return { kind: 'partial', rejected, message };
  }
  const warning = said('delivered', (outcome) =>
    'warning' in outcome ? outcome.warning : undefined,
  );
  return warning === '' ? { kind: 'delivered' } : { kind: 'delivered', warning };
}
