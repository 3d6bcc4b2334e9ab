/** The flags of the helper commands that look at a key or a certificate and make no session: the helper's, and ours. */

import { SESSION_OPTIONS } from '../../session/session-options.js';
import { CONFIG_OPTIONS, SESSION_SOURCES } from './command-options.js';
import { HELPER_OPTIONS } from './helper-options.js';

const { certificate, privateKey, passphrase } = SESSION_OPTIONS;
const { certSelector, systemStoreName, pkcs11Lib } = HELPER_OPTIONS;

/** Of `sign-string`. Either of the two files will do, so neither is required. */
export const KEY_FLAGS = {
  certificate: { ...certificate, required: false },
  privateKey,
  passphrase,
  ...SESSION_SOURCES,
  ...HELPER_OPTIONS,
  ...CONFIG_OPTIONS,
};

/** Of `read-certificate-data`; the passphrase is for PKCS#12 files, which the helper does not read there. */
export const CERTIFICATE_FLAGS = {
  certificate,
  passphrase,
  ...SESSION_SOURCES,
  certSelector,
  systemStoreName,
  pkcs11Lib,
  ...CONFIG_OPTIONS,
};
