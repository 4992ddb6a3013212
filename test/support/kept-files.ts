/** A result without what differs each time a file is kept: its id, and its download address. */
export function withoutFileIds<T>(result: T): T {
  const text = JSON.stringify(result)
    .replaceAll(/dify-file:\/\/[0-9a-z]{25}/g, 'dify-file://ID')
    .replaceAll(/ or http:[^\s"]+/g, '');
  return JSON.parse(text) as T;
}
