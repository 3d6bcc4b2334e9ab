/**
 * Normalises the path of a request, as AWS does before it routes and verifies: for every service but S3, the
 * canonical URI of Signature Version 4 is the normalised path.
 *
 * HashiCorp Vault posts a request that was signed for `/` to `//`.
 * Rules: RFC 3986 section 5.2.4 (dot segments) and the IAM user guide, "Create a signed AWS API request"
 */

/**
 * `//a/./b/../c/` becomes `/a/c/`. Percent-encoded dots and slashes stay, and so does what is not an absolute
 * path.
 */
export function normalizePath(rawPath: string): string {
  if (!rawPath.startsWith('/')) return rawPath;
  const kept: string[] = [];
  for (const segment of rawPath.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const isFolder = kept.length > 0 && rawPath.endsWith('/');
  return `/${kept.join('/')}${isFolder ? '/' : ''}`;
}
