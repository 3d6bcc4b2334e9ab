/** Narrows the mode of what this process creates, for the duration of one synchronous call. */

/** @param mask bits that files made by `work` must not have, before its first `await`; ignored on Windows */
export function withUmask<T>(mask: number, work: () => T): T {
  const before = process.umask(mask);
  try {
    return work();
  } finally {
    process.umask(before);
  }
}
