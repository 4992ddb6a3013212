import type { Config } from './schema.ts';
import { settingsTable } from './settings.ts';

/**
 * Returns what changes the texts of errors, which name the settings of the default workspace, so that they name the ones
 * to change for the workspace of this configuration; undefined for the default workspace.
 */
export function workspaceTexts({ own, dify }: Config): ((text: string) => string) | undefined {
  if (own === undefined) return undefined;
  const names = new Map<string, string>();
  for (const { path, env } of settingsTable()) {
    const [group, key = ''] = path.split('.');
    // An inherited setting is changed at the top of the file.
    const isInherited = Object.hasOwn(dify, key) && !Object.hasOwn(own.dify, key);
    if (group !== 'dify' || isInherited) continue;
    for (const name of [path, env ?? path]) names.set(name, `${own.path}.${path}`);
  }
  return (text) =>
    text
      .replace(/\bDIFY_[A-Z_]+|\bdify\.[a-zA-Z]+/g, (name) => names.get(name) ?? name)
      // "dify.filesUrl (DIFY_FILES_URL)" names one setting twice.
      .replace(/(\bworkspaces\.[\w.-]+)(=\w+)? \(\1\)/g, '$1$2');
}
