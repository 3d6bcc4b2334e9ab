/**
 * Formats JSON for stdout. Characters that a terminal would interpret, or that hide text, are escaped: for a
 * program the JSON is equal. `JSON.stringify` escapes those below 0x20 alone.
 */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value, undefined, 2);
  return `${text.replace(/[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/gu, escapeUnits)}\n`;
}

function escapeUnits(character: string): string {
  return Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');
}
