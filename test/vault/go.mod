module vault-plugin

go 1.24
