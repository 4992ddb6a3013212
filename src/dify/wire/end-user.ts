import type { DifyHttp } from './http.ts';

/** This release refuses its own anonymous user, because the name is not a UUID (fixed in 1.9.1). */
const REFUSES_ANONYMOUS = '1.9.0';

/** Returns the `user_id` to send: the given one, or where Dify refuses the anonymous user, one for the workspace. */
export function endUser(http: Pick<DifyHttp, 'version'>, tenantId: string, userId = ''): string {
  return userId === '' && http.version() === REFUSES_ANONYMOUS ? tenantId : userId;
}
