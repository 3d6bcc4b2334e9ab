/**
 * The messages between this process and the one that runs the PKCS#11 module: one JSON object per line,
 * octets in base64.
 */

export interface TokenInfo {
  readonly slot: number;
  readonly slotDescription: string;
  readonly slotManufacturer: string;
  readonly label: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
  /** CKF_…, of the token. */
  readonly flags: number;
  /** CKM_…, that the token can do. */
  readonly mechanisms: readonly number[];
}

export interface ModuleInfo {
  readonly manufacturer: string;
  readonly description: string;
  readonly version: string;
  readonly tokens: readonly TokenInfo[];
}

export interface CertificateObject {
  /** CKA_ID and CKA_LABEL, base64 of their octets. */
  readonly id: string;
  readonly label: string;
  /** DER, base64. */
  readonly value: string;
}

export interface KeyObject {
  readonly id: string;
  readonly label: string;
  readonly type: 'RSA' | 'EC';
  readonly isAlwaysAuthenticate: boolean;
  /** Big-endian, base64; absent if neither the private nor a public key object tells. */
  readonly modulus?: string | undefined;
  /** Of the modulus. */
  readonly exponent?: string | undefined;
  /** CKA_EC_POINT as the module gives it, base64. */
  readonly point?: string | undefined;
  /** CKA_EC_PARAMS, DER, base64: the object identifier of the curve. */
  readonly curve?: string | undefined;
}

export interface TokenObjects {
  readonly certificates: readonly CertificateObject[];
  readonly keys: readonly KeyObject[];
}

/** How to log in: with a PIN, at the token's own PIN pad, or not at all. */
export interface Login {
  /** Absent for a PIN pad. */
  readonly pin?: string | undefined;
}

export interface SignRequest {
  readonly slot: number;
  readonly login: Login | undefined;
  readonly key: Pick<KeyObject, 'id' | 'label' | 'type'>;
  /** CKM_…. */
  readonly mechanism: number;
  /** The input of the mechanism, base64. */
  readonly data: string;
  /** For CKA_ALWAYS_AUTHENTICATE: the login that each signature requires. */
  readonly contextLogin: Login | undefined;
}

/** The requests to the module, by name: arguments and result. */
export interface Operations {
  /** Loads the module: the first request. */
  open(request: { readonly module: string }): void;
  /** Tokens that are present now. */
  tokens(request: Record<string, never>): ModuleInfo;
  objects(request: { readonly slot: number; readonly login: Login | undefined }): TokenObjects;
  /** @returns the signature, base64 */
  sign(request: SignRequest): string;
}

export type OperationName = keyof Operations;

export interface Request {
  readonly id: number;
  readonly name: OperationName;
  readonly argument: unknown;
}

export interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly failure?: Failure;
}

export interface Failure {
  /** `CKR_PIN_INCORRECT`; empty for errors that the module did not return. */
  readonly ckr: string;
  /** The function of PKCS#11 that failed, or what went wrong instead. */
  readonly message: string;
  /** The binding could not be loaded, so that the module was not tried. */
  readonly binding?: 'missing' | 'broken' | undefined;
  readonly hint?: string | undefined;
}
