/**
 * Describes the errors of a PKCS#11 module by return value.
 *
 * Source: PKCS #11 Specification Version 3.1, §5.1, "Function return values".
 */
import type { IdentityErrorCode } from '../../errors.js';
import { IdentityError } from '../../errors.js';
import { isSingleFile } from '../../options/environment.js';
import type { Failure } from './messages.js';

type Explanation = readonly [code: IdentityErrorCode, text: string, hint?: string];

const WRONG_PIN: Explanation = [
  'ERR_PKCS11_PIN',
  'the token refused the PIN',
  'it is not tried again: a few wrong PINs lock the token',
];
const REMOVED: Explanation = [
  'ERR_PKCS11_TOKEN',
  'the token was removed',
  'put it back: the next attempt opens it again',
];

const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  CKR_PIN_INCORRECT: WRONG_PIN,
  CKR_PIN_INVALID: WRONG_PIN,
  CKR_PIN_LEN_RANGE: ['ERR_PKCS11_PIN', 'the PIN is shorter or longer than the token takes'],
  CKR_PIN_EXPIRED: [
    'ERR_PKCS11_PIN',
    'the PIN has expired',
    'set a new one (pkcs11-tool --login --change-pin)',
  ],
  CKR_PIN_LOCKED: [
    'ERR_PKCS11_PIN',
    'the PIN is locked',
    'unlock it with the PUK or the SO PIN (pkcs11-tool --init-pin)',
  ],
  CKR_USER_PIN_NOT_INITIALIZED: [
    'ERR_PKCS11_PIN',
    'the token has no PIN yet',
    'set one (pkcs11-tool --init-pin)',
  ],
  CKR_USER_NOT_LOGGED_IN: [
    'ERR_PKCS11_PIN',
    'the token requires a PIN',
    'give one with --pkcs11-pin-file or pin-source in the URI',
  ],
  CKR_FUNCTION_CANCELED: ['ERR_PKCS11_PIN', 'the entry of the PIN was cancelled'],
  CKR_TOKEN_NOT_PRESENT: REMOVED,
  CKR_TOKEN_NOT_RECOGNIZED: REMOVED,
  CKR_DEVICE_REMOVED: REMOVED,
  CKR_SESSION_HANDLE_INVALID: REMOVED,
  CKR_SLOT_ID_INVALID: REMOVED,
  CKR_KEY_FUNCTION_NOT_PERMITTED: [
    'ERR_KEY_UNSUPPORTED',
    'the private key must not sign (CKA_SIGN is false)',
  ],
  CKR_MECHANISM_INVALID: ['ERR_KEY_UNSUPPORTED', 'the token cannot sign with this kind of key'],
  CKR_KEY_TYPE_INCONSISTENT: ['ERR_KEY_UNSUPPORTED', 'the token cannot sign with this kind of key'],
};

/** @param module path or name of the module */
export function explainPkcs11Failure(failure: Failure, module: string): IdentityError {
  if (failure.binding !== undefined) return explainBinding(failure);
  const { ckr, message } = failure;
  const [code, text, hint] = EXPLANATIONS[ckr] ?? [];
  if (code !== undefined && text !== undefined) return new IdentityError(code, `${text} (${ckr})`, { hint });
  if (ckr !== '')
    return new IdentityError('ERR_PKCS11_MODULE', `PKCS#11 module ${module} failed: ${message} (${ckr})`);
  return describeOther(message, module);
}

/** The message of the dynamic linker, the binding or the worker. */
function describeOther(message: string, module: string): IdentityError {
  if (/token was removed|not on the token any more/.test(message)) {
    return new IdentityError('ERR_PKCS11_TOKEN', message, { hint: REMOVED[2] });
  }
  return new IdentityError('ERR_PKCS11_MODULE', `PKCS#11 module ${module} cannot be loaded: ${message}`, {
    hint:
      'name the shared library with --pkcs11-lib or module-path in the URI; it must be built for the ' +
      'architecture of this program',
  });
}

/** pkcs11js itself. In the program as one file it was compiled with the file. */
function explainBinding({ binding, message, hint }: Failure): IdentityError {
  const code = 'ERR_PKCS11_UNAVAILABLE';
  if (binding === 'broken' && isSingleFile()) {
    return new IdentityError(code, `the binding of pkcs11js ${message}`, { hint });
  }
  if (binding === 'broken') {
    return new IdentityError(code, `the package pkcs11js cannot be loaded: ${firstLine(message)}`, {
      hint: 'npm rebuild pkcs11js (it must be compiled for the system and the architecture of node)',
    });
  }
  if (isSingleFile()) {
    return new IdentityError(
      code,
      'keys on PKCS#11 tokens need the binding of pkcs11js, which this file was built without',
      { hint: 'install Node.js, and the program with npm install --global rolesanywhere pkcs11js' },
    );
  }
  return new IdentityError(code, 'keys on PKCS#11 tokens need the package pkcs11js, which is not installed', {
    hint: 'npm install pkcs11js (it compiles a binding: a C++ compiler and Python must be there)',
  });
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
