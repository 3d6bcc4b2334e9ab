/**
 * Checks session policies, which profiles and AssumeRole take as JSON text. Their permissions are not
 * evaluated.
 */

/** The reason why the text is no policy document; undefined if it is one. */
export function findPolicyProblem(policy: string | undefined): string | undefined {
  if (policy === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(policy);
    if (typeof value === 'object' && value !== null && 'Statement' in value) return undefined;
  } catch {
    // The same error as for JSON of another form.
  }
  return 'session policy: expected JSON with a Statement';
}
