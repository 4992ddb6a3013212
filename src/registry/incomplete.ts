import type { Placement } from './placement.ts';

/** A parameter without a value. */
export type Missing = Extract<Placement, { place: 'missing' }>;

/** Which parameters keep a tool from being published, and the lines of configuration that would publish it. */
export function incompleteDetail(qualifiedName: string, missing: readonly Missing[]): string {
  const lines = missing.map(({ reason }) => reason);
  const remedies = missing.flatMap(({ remedy }) => (remedy === undefined ? [] : [remedy]));
  // Where one parameter cannot be helped, advice for the others would lead nowhere.
  if (remedies.length < missing.length) return lines.join('\n');
  lines.push(
    'Preset it in the configuration:',
    'tools:',
    '  presets:',
    `    ${qualifiedName}:`,
    '      parameters:',
  );
  for (const { name, example } of remedies) {
    lines.push(`        ${yamlKey(name)}: ${example === undefined ? '<value>' : JSON.stringify(example)}`);
  }
  if (remedies.every(({ publishable }) => publishable)) {
    lines.push('or let callers set it:', 'tools:', '  formParameters: publish');
  }
  return lines.join('\n');
}

function yamlKey(name: string): string {
  return /^[A-Za-z_][\w-]*$/.test(name) ? name : JSON.stringify(name);
}
