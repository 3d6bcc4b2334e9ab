<#
Signs with a key of the Windows certificate store, also one in a TPM or on a smart card that cannot be exported.

  powershell -NoProfile -File windows-store.ps1 -Export -Subject "CN=host.example.com" > host.pem
  rolesanywhere credential-process --certificate host.pem `
    --sign-command "powershell -NoProfile -File C:\Tools\windows-store.ps1" ...

Without a selector the certificate is the one that rolesanywhere names by its SHA-256 fingerprint. -Subject, -Issuer and
-Serial (hex) select as --cert-selector does. This script was not run by the project's tests, which run on Linux.
#>
param(
  [ValidateSet('CurrentUser', 'LocalMachine')][string]$Location = 'CurrentUser',
  [string]$StoreName = 'My',
  [string]$Subject,
  [string]$Issuer,
  [string]$Serial,
  [switch]$Export
)
$ErrorActionPreference = 'Stop'

function Get-Fingerprint($certificate) {
  $sha256 = [System.Security.Cryptography.SHA256]::Create()
  try { return [BitConverter]::ToString($sha256.ComputeHash($certificate.RawData)).Replace('-', '').ToLowerInvariant() }
  finally { $sha256.Dispose() }
}

$store = New-Object System.Security.Cryptography.X509Certificates.X509Store($StoreName, $Location)
$store.Open('ReadOnly')
$wanted = $env:ROLESANYWHERE_SIGN_CERTIFICATE_SHA256
$found = @($store.Certificates | Where-Object {
    $_.HasPrivateKey -and
    (-not $Subject -or $_.Subject -eq $Subject) -and
    (-not $Issuer -or $_.Issuer -eq $Issuer) -and
    (-not $Serial -or $_.SerialNumber -eq $Serial) -and
    (-not $wanted -or (Get-Fingerprint $_) -eq $wanted)
  } | Sort-Object NotAfter -Descending)
if ($found.Count -eq 0) { throw "no certificate with a private key in $Location\$StoreName matches" }
$certificate = $found[0]

if ($Export) {
  '-----BEGIN CERTIFICATE-----'
  [Convert]::ToBase64String($certificate.RawData, 'InsertLineBreaks')
  '-----END CERTIFICATE-----'
  exit 0
}

$data = New-Object System.IO.MemoryStream
[Console]::OpenStandardInput().CopyTo($data)
$hash = [System.Security.Cryptography.HashAlgorithmName]::SHA256
$rsa = [System.Security.Cryptography.X509Certificates.RSACertificateExtensions]::GetRSAPrivateKey($certificate)
if ($rsa) {
  $signature = $rsa.SignData($data.ToArray(), $hash, [System.Security.Cryptography.RSASignaturePadding]::Pkcs1)
} else {
  # r and s, each as long as the curve: rolesanywhere distinguishes this form from DER.
  $ecdsa = [System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions]::GetECDsaPrivateKey($certificate)
  if (-not $ecdsa) { throw 'the key is neither RSA nor EC' }
  $signature = $ecdsa.SignData($data.ToArray(), $hash)
}
[Convert]::ToBase64String($signature)
