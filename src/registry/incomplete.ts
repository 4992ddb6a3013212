import type { ParameterSource } from './parameter-source.ts';
import { type RegistryRules, settingOf } from './rules.ts';

/** A parameter without a value. */
export type Missing = Extract<ParameterSource, { kind: 'missing' }>;

/** Returns which parameters prevent publishing a tool, and the lines of configuration that would publish it. */
export function incompleteDetail(
  qualifiedName: string,
  missing: readonly Missing[],
  rules: RegistryRules,
): string {
  const lines = missing.map(({ reason }) => reason);
  const until = [...new Set(missing.flatMap((each) => each.until ?? []))];
  if (until.length > 0) {
    lines.push(
      `The tool is withheld until ${until.join(' and ')} ${until.length === 1 ? 'fits' : 'fit'} it again.`,
    );
  }
  const remedies = missing.flatMap(({ remedy }) => (remedy === undefined ? [] : [remedy]));
  // If one parameter has no remedy, advice on the others would not help.
  if (remedies.length < missing.length) return lines.join('\n');
  const preset = [...settingOf(rules, 'presets').split('.'), qualifiedName];
  const values = remedies.map(
    ({ name, example }) => `${yamlKey(name)}: ${example === undefined ? '<value>' : JSON.stringify(example)}`,
  );
  lines.push('Preset it in the configuration:', ...yaml([...preset, 'parameters'], values));
  if (remedies.every(({ publishable }) => publishable)) {
    const names = remedies.map(({ name }) => yamlKey(name)).join(', ');
    lines.push('or let callers set it:', ...yaml(preset, [`publish: [${names}]`]));
  }
  return lines.join('\n');
}

function yaml(path: readonly string[], lines: readonly string[]): string[] {
  const indent = (depth: number): string => '  '.repeat(depth);
  return [
    ...path.map((key, depth) => `${indent(depth)}${yamlKey(key)}:`),
    ...lines.map((line) => `${indent(path.length)}${line}`),
  ];
}

function yamlKey(name: string): string {
  return /^[A-Za-z_][\w-]*$/.test(name) ? name : JSON.stringify(name);
}
