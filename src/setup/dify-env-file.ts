import { parseEnv } from 'node:util';
import type { Problem } from '../model/errors.ts';

/** The parts of Dify's own environment file that the bridge uses. */
export interface DifyEnvironment {
  readonly innerApiKey?: string | undefined;
  readonly secretKey?: string | undefined;
  /** Set only if admin keys are enabled in Dify. */
  readonly adminApiKey?: string | undefined;
  /** The api service's address for Dify's plugin daemon: it works for containers of the same network. */
  readonly innerApiUrl?: string | undefined;
  /** Entries of the file that the bridge cannot use, by their name in the file. */
  readonly remarks: readonly Problem[];
}

/** The names by their meaning for the bridge: first those in `docker/.env`, then those in `api/.env`. */
const NAMES = {
  innerApiKey: ['PLUGIN_DIFY_INNER_API_KEY', 'INNER_API_KEY_FOR_PLUGIN'],
  secretKey: ['SECRET_KEY'],
  adminApiKey: ['ADMIN_API_KEY'],
  innerApiUrl: ['PLUGIN_DIFY_INNER_API_URL'],
} as const;

/** Reads the text of Dify's `docker/.env`, or of `api/.env` in a checkout of its sources. */
export function readDifyEnvironment(text: string): DifyEnvironment {
  // Editors on Windows put a byte order mark first; it would become part of the first name.
  const variables = parseEnv(text.replace(/^\u{FEFF}/u, ''));
  const remarks: Problem[] = [];
  const valueOf = (names: readonly string[]): string | undefined => {
    for (const name of names) {
      const value = variables[name]?.trim() ?? '';
      if (value === '') continue;
      if (!value.includes('${')) return value;
      remarks.push({ path: name, message: 'refers to another variable, which only Docker Compose resolves' });
    }
    return undefined;
  };
  const adminApiKey = valueOf(NAMES.adminApiKey);
  const enabled = /^(true|1|yes|on)$/i.test(variables['ADMIN_API_KEY_ENABLE']?.trim() ?? '');
  if (adminApiKey !== undefined && !enabled) {
    const message = 'has no effect in Dify unless ADMIN_API_KEY_ENABLE is true';
    remarks.push({ path: 'ADMIN_API_KEY', message });
  }
  return {
    innerApiKey: valueOf(NAMES.innerApiKey),
    secretKey: valueOf(NAMES.secretKey),
    adminApiKey: enabled ? adminApiKey : undefined,
    innerApiUrl: valueOf(NAMES.innerApiUrl),
    remarks,
  };
}
