import type { StoredLogin } from '../logins/stored-login.ts';

const DAY_MS = 86_400_000;

/** Returns when a login ends unless it is used. Before 1.9.2, Dify does not say it: 30 days as it is shipped. */
export function endOf({ tokens, renewedAt }: StoredLogin): Date {
  const said = tokens.kind === 'cookies' ? tokens.expiresAt : undefined;
  return new Date(said ?? renewedAt.getTime() + 30 * DAY_MS);
}

/** Returns when a login ends unless it is used, as the end of a sentence. */
export function endText(login: StoredLogin): string {
  return `on ${endOf(login).toISOString().slice(0, 10)} if it is not used`;
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
