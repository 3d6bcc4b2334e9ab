/** Collects the licences of bundled packages. */
import { readFile } from 'node:fs/promises';

/**
 * Collects the licences of the packages inside the program, which require that they accompany the code.
 *
 * @param {string} root
 * @param {string[]} inputs files of a bundle, from the root
 */
export async function licenses(root, inputs) {
  const folders = new Set(
    inputs.flatMap((path) => /^(?:slim:)?(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
  );
  const texts = await Promise.all([...folders].sort().map((folder) => licenseOf(`${root}/${folder}`)));
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}

/** @param {string} folder */
async function licenseOf(folder) {
  const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'));
  for (const file of ['LICENSE', 'LICENSE.md', 'LICENSE.txt']) {
    const text = await readFile(`${folder}/${file}`, 'utf8').catch(() => undefined);
    if (text !== undefined) return `${name} ${version} (${license})\n\n${text}`;
  }
  return `${name} ${version} (${license})\n`;
}
