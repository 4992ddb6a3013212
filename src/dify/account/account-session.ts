import { BridgeError, type ErrorCode } from '../../model/errors.ts';
import type { ConsoleSession } from '../console/session.ts';

/** The next step if DIFY_URL leads elsewhere. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  upstream_wrong_address:
    "Set DIFY_URL to Dify's address as your browser shows it, such as https://dify.example.com. It must serve /console/api.",
  upstream_unreachable:
    'Check that Dify is running and that DIFY_URL is its address in your browser. If the tool had been started, check in Dify before calling again.',
};

/** Returns a session whose errors name DIFY_URL, because the account road has no DIFY_API_URL. */
export function accountSession(session: ConsoleSession): ConsoleSession {
  return {
    headers: (signal) => session.headers(signal),
    send: (request) =>
      session.send(request).catch((error: unknown) => {
        throw error instanceof BridgeError ? accountRoadError(error) : error;
      }),
    toError: (reply) => accountRoadError(session.toError(reply)),
  };
}

export function accountRoadError(error: BridgeError): BridgeError {
  const { code, message, hint = '' } = error;
  if (!`${message} ${hint}`.includes('DIFY_API_URL')) return error;
  const isOfInner = hint.includes('DIFY_API_URL') && /api service|:5001/.test(hint);
  return error.withTexts((text) => {
    const ownText = isOfInner && text === hint ? (HINTS[code] ?? text) : text;
    return ownText.replaceAll('DIFY_API_URL', 'DIFY_URL');
  });
}
