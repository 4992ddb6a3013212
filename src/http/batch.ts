import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/server';
import { idInUse, idOf, isRequest, messageError } from '../mcp/incoming.ts';
import { refusal } from '../mcp/refusal.ts';
import type { Session } from './session.ts';

/** The members of a batch. */
export interface Batch {
  /** Those that the session takes. */
  readonly messages: readonly JSONRPCMessage[];
  /** The answers to the others. */
  readonly refusals: readonly object[];
}

/** Divides a batch, so that a wrong member does not keep the others from their answers (JSON-RPC 2.0 §6). */
export function divided(batch: readonly unknown[], session: Pick<Session, 'isAnswering'>): Batch {
  const messages: JSONRPCMessage[] = [];
  const refusals: object[] = [];
  const ids = new Set<RequestId>();
  for (const member of batch) {
    const error = messageError(member);
    const message = member as JSONRPCMessage;
    if (error !== undefined) refusals.push(refusal(error, idOf(member)));
    else if (isRequest(message) && (ids.has(message.id) || session.isAnswering(message.id))) {
      // The answer with this ID is that of the other request.
      refusals.push(refusal(idInUse(message.id), null));
    } else {
      messages.push(message);
      if (isRequest(message)) ids.add(message.id);
    }
  }
  return { messages, refusals };
}
