import { BridgeError } from '../../model/errors.ts';
import { objectOf, textOf } from '../../model/json.ts';
import type { ConsoleSession } from '../console/session.ts';
import { readReply } from '../wire/reply.ts';
import { accountError } from './account-errors.ts';

/** An app of the account. */
export interface OwnApp {
  readonly id: string;
  readonly description: string;
}

const APPS = '/console/api/apps';
const PAGE_SIZE = 100;
/** More pages than any account has apps of one name. */
const MAX_PAGES = 20;

/** Resolves with the account's workflow apps of that name, the oldest first, and with Dify's version. */
export async function listOwnApps(session: ConsoleSession, name: string, signal: AbortSignal) {
  const found: (OwnApp & { readonly createdAt: number })[] = [];
  let version: string | undefined;
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const query = `page=${page}&limit=${PAGE_SIZE}&name=${encodeURIComponent(name)}&is_created_by_me=true`;
    const answer = await session.send({ method: 'GET', path: `${APPS}?${query}`, signal });
    if (answer.status !== 200) throw accountError(session, answer, await readReply(answer));
    version = answer.version;
    const { data, has_more: hasMore } = objectOf(await answer.json());
    const apps = Array.isArray(data) ? data.map(objectOf) : [];
    for (const { id, mode, name: own, description, created_at: createdAt } of apps) {
      if (mode !== 'workflow' || own !== name || typeof id !== 'string') continue;
      found.push({ id, description: textOf(description) ?? '', createdAt: Number(createdAt) || 0 });
    }
    if (hasMore !== true || apps.length === 0) break;
  }
  // Two bridges that made one at the same time choose the same.
  found.sort((left, right) => left.createdAt - right.createdAt || (left.id < right.id ? -1 : 1));
  return { apps: found as readonly OwnApp[], version };
}

/** Makes a workflow app and resolves with its ID. Call only with the operator's consent. */
export async function createOwnApp(
  session: ConsoleSession,
  name: string,
  description: string,
  signal: AbortSignal,
): Promise<string> {
  const icon = { icon_type: 'emoji', icon: '🌉', icon_background: '#FFEAD5' };
  const body = { name, mode: 'workflow', ...icon, description };
  const answer = await session.send({ method: 'POST', path: APPS, content: () => ({ body }), signal });
  if (answer.status !== 201) throw accountError(session, answer, await readReply(answer));
  const id = textOf(objectOf(await answer.json())['id']);
  if (id !== undefined) return id;
  throw new BridgeError('upstream_error', 'Dify created the app but returned no ID.');
}
