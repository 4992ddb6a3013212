import { parseJsonObject } from '../../model/exact-json.ts';
import type { JsonObject } from '../../model/json.ts';
import { type MemoryLease, UNLIMITED } from '../../model/memory-budget.ts';
import { mendJson } from '../../model/well-formed.ts';
import { ArrivingText } from '../inner/arriving-text.ts';
import { answerTooLarge } from '../inner/frame.ts';
import { createReservation } from '../inner/reservation.ts';
import type { DifyAnswer } from '../wire/answer.ts';
import { header } from '../wire/reply.ts';

/** Resolves with the finished run of a node, empty if the answer is none. Waits and rejects as `decodeFrames` does. */
export async function readRun(
  answer: DifyAnswer,
  {
    maxBytes,
    memory = UNLIMITED,
    signal,
  }: { readonly maxBytes: number; readonly memory?: MemoryLease | undefined; readonly signal: AbortSignal },
): Promise<JsonObject> {
  if (Number(header(answer, 'content-length')) > maxBytes) {
    await answer.discard();
    throw answerTooLarge(maxBytes);
  }
  const reserve = createReservation(memory, signal);
  const text = new ArrivingText();
  for await (const chunk of answer.body) {
    text.add(chunk);
    if (text.length > maxBytes) throw answerTooLarge(maxBytes);
    await reserve.unfinished(text.memory);
  }
  return parseJsonObject(mendJson(text.end())) ?? {};
}
