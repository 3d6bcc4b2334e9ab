/**
 * Signs with a key of the macOS keychain, also one in the Secure Enclave or on a smart card that cannot be
 * exported.
 *
 *   security find-certificate -c host.example.com -p > host.pem
 *   rolesanywhere credential-process --certificate host.pem \
 *     --sign-command 'osascript -l JavaScript /usr/local/lib/macos-keychain.js /etc/pki/host.pem' …
 *
 * The argument is the certificate's file: its identity is looked up in the keychain. This script is untested:
 * the project's tests run on Linux.
 */
/* global $, ObjC, Ref */
ObjC.import('Foundation');
ObjC.import('Security');

/** Base64 of the first certificate of a PEM file. */
function certificateIn(path) {
  const text = $.NSString.stringWithContentsOfFileEncodingError(path, $.NSUTF8StringEncoding, null).js;
  const body = /-----BEGIN CERTIFICATE-----([\s\S]*?)-----END/.exec(text);
  if (body === null) throw new Error(`${path} has no certificate`);
  return body[1].replace(/\s/g, '');
}

/** All identities (certificates with their private keys) of the keychains. */
function identities() {
  const query = $.NSMutableDictionary.alloc.init;
  query.setObjectForKey(ObjC.castRefToObject($.kSecClassIdentity), ObjC.castRefToObject($.kSecClass));
  query.setObjectForKey(ObjC.castRefToObject($.kSecMatchLimitAll), ObjC.castRefToObject($.kSecMatchLimit));
  query.setObjectForKey(true, ObjC.castRefToObject($.kSecReturnRef));
  const result = Ref();
  const status = $.SecItemCopyMatching(query, result);
  if (status !== 0) throw new Error(`the keychain shows no identity (status ${status})`);
  const found = ObjC.castRefToObject(result[0]);
  return Array.from({ length: Number(found.count) }, (_, index) => found.objectAtIndex(index));
}

function certificateOf(identity) {
  const certificate = Ref();
  $.SecIdentityCopyCertificate(identity, certificate);
  return ObjC.castRefToObject($.SecCertificateCopyData(certificate[0])).base64EncodedStringWithOptions(0).js;
}

/** The entry point of a script for osascript. */
function run([path]) {
  const wanted = certificateIn(path);
  const identity = identities().find((each) => certificateOf(each) === wanted);
  if (identity === undefined) throw new Error(`the keychain has no private key for ${path}`);
  const key = Ref();
  const status = $.SecIdentityCopyPrivateKey(identity, key);
  if (status !== 0) throw new Error(`the private key cannot be used (status ${status})`);
  const data = $.NSFileHandle.fileHandleWithStandardInput.readDataToEndOfFile;
  const environment = $.NSProcessInfo.processInfo.environment;
  const isRsa = environment.objectForKey('ROLESANYWHERE_SIGN_ALGORITHM').js === 'RSASSA_PKCS1_V1_5_SHA_256';
  const algorithm = isRsa
    ? $.kSecKeyAlgorithmRSASignatureMessagePKCS1v15SHA256
    : $.kSecKeyAlgorithmECDSASignatureMessageX962SHA256;
  const error = Ref();
  const signature = $.SecKeyCreateSignature(key[0], algorithm, data, error);
  if (!signature) throw new Error(ObjC.castRefToObject(error[0]).localizedDescription.js);
  return ObjC.castRefToObject(signature).base64EncodedStringWithOptions(0).js;
}
