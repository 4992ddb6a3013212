/** At most `max` characters of a text; what was cut is shown by an ellipsis. Never ends inside a character. */
export function cutText(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1).replace(/\p{Surrogate}$/u, '')}…` : text;
}
