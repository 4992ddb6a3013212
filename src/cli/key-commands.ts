import type { CommandGroup } from './command-entry.ts';

/** The commands that manage API keys. */
export const keys: CommandGroup = {
  name: 'keys',
  description: 'manage the API keys of clients over HTTP',
  example: 'keys list',
  commands: [
    {
      usage: 'create <name>',
      description: 'create a key for some views, print it once and store its hash',
      examples: ['keys create reporting-agent --view support --expires 90d'],
      options: [
        [
          '--view <name>',
          'a view that the holder may use; repeat for several, the first is at /mcp',
          'repeated',
        ],
        ['--expires <duration>', 'how long the key is valid, such as 90d (default: until it is revoked)'],
      ],
      load: () => import('./commands/keys-create.ts'),
    },
    {
      usage: 'list',
      description: 'list the names, views and ends of the keys',
      examples: ['keys list', 'keys list -o json'],
      load: () => import('./commands/keys-list.ts'),
    },
    {
      usage: 'revoke <name>',
      description: 'delete a key; running bridges refuse it at once and end its sessions and streams',
      examples: ['keys revoke reporting-agent'],
      load: () => import('./commands/keys-revoke.ts'),
    },
  ],
};
