import type { StoredLogin } from '../logins/stored-login.ts';

const DAY_MS = 86_400_000;

/** Returns when a login ends unless it is used; undefined if Dify did not say it. */
export function endOf({ tokens }: StoredLogin): Date | undefined {
  return tokens.kind === 'cookies' && tokens.expiresAt !== undefined ? new Date(tokens.expiresAt) : undefined;
}

/** Returns when a login ends unless it is used, as the end of a sentence. */
export function endText(login: StoredLogin): string {
  const end = endOf(login);
  return `${end === undefined ? 'in 30 days' : `on ${end.toISOString().slice(0, 10)}`} if it is not used`;
}

/** Returns how long ago a login was made, such as `3 days`. */
export function ageOf({ signedInAt }: StoredLogin): string {
  const ms = Math.max(Date.now() - signedInAt.getTime(), 0);
  const [amount, unit] =
    ms >= DAY_MS
      ? [ms / DAY_MS, 'day']
      : ms >= 3_600_000
        ? [ms / 3_600_000, 'hour']
        : [ms / 60_000, 'minute'];
  const whole = Math.floor(amount);
  return `${whole} ${unit}${whole === 1 ? '' : 's'}`;
}
