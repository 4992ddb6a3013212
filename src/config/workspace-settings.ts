import * as z from 'zod';
import { text } from './fields.ts';
import { setting } from './setting.ts';
import { SETTINGS_ERROR, view, views, withoutDefaults } from './view-settings.ts';

type Shape = Parameters<typeof withoutDefaults>[0];

const workspaceName = z
  .string()
  .regex(/^[a-z0-9-]{1,32}$/, { error: 'the name of a workspace has at most 32 of a-z, 0-9 and -' })
  .refine((name) => name !== 'default', {
    error: 'the default workspace is described at the top of the file',
  });

/** What tells one workspace from another. */
const OWN = ['url', 'apiUrl', 'workspaceId', 'email'];

/** Returns the setting of further workspaces, from the groups whose settings each of them can have. */
export function workspacesSetting<
  Dify extends Shape,
  Catalog extends Shape,
  Calls extends Shape,
  Limits extends Shape,
>(groups: {
  readonly dify: Dify;
  readonly catalog: Catalog;
  readonly calls: Calls;
  readonly limits: Limits;
}) {
  const dify = z
    .strictObject(withoutDefaults(groups.dify), SETTINGS_ERROR)
    .refine((own) => OWN.some((name) => Object.hasOwn(own, name)), {
      error: `expected ${OWN.slice(0, -1).join(', ')} or ${OWN.at(-1)}, which tell the workspace from the default one`,
    });
  const workspace = z.strictObject(
    {
      dify: dify.describe('How to reach the workspace.'),
      catalog: z.strictObject(withoutDefaults(groups.catalog), SETTINGS_ERROR).prefault({} as never),
      tools: view.prefault({}),
      views,
      manifest: z
        .strictObject({ dir: z.exactOptional(text), frozen: z.boolean().default(false) }, SETTINGS_ERROR)
        .prefault({}),
      calls: z.strictObject(withoutDefaults(groups.calls), SETTINGS_ERROR).prefault({} as never),
      limits: z.strictObject(withoutDefaults(groups.limits), SETTINGS_ERROR).prefault({} as never),
    },
    SETTINGS_ERROR,
  );
  return setting(
    z.record(workspaceName, workspace, {
      error: 'expected an object: the name of a workspace, then its settings',
    }),
    {},
    { use: 'workspaces' },
  ).describe(
    'Further workspaces, of this Dify or another, served at /w/NAME/mcp. A workspace inherits what it does not set, except views and manifest; with an address of its own, nothing under dify.',
  );
}
