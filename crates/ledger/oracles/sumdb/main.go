// Writes what Go's checksum database library (golang.org/x/mod/sumdb) says about the same log, keys and texts as
// src/merkle/tests.rs and src/note/tests.rs: one fact per line, compared byte by byte with what this crate says.
// `make oracle-sumdb` runs it again.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const total = 70000

// Around every edge of a tile. Go's library proves nothing about the empty tree but its root.
var sizes = []int64{0, 1, 2, 255, 256, 257, 65535, 65536, 65537, total}

type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = s[index]
	}
	return hashes, nil
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func entry(index int64) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(index))
}

// The number of hashes of a proof, and the SHA-256 of all of them in a row.
func digest(proof []tlog.Hash) string {
	sum := sha256.New()
	for _, hash := range proof {
		sum.Write(hash[:])
	}
	return fmt.Sprintf("%d %x", len(proof), sum.Sum(nil))
}

func main() {
	log.SetFlags(0)
	var hashes stored
	for index := int64(0); index < total; index++ {
		hashes = append(hashes, must(tlog.StoredHashes(index, entry(index), hashes))...)
	}
	roots := map[int64]tlog.Hash{}
	for _, size := range sizes {
		roots[size] = must(tlog.TreeHash(size, hashes))
		fmt.Printf("root %d %s\n", size, roots[size])
		for _, index := range []int64{0, 1, 254, 255, 256, 257, size / 2, size - 2, size - 1} {
			if 0 <= index && index < size {
				proof := must(tlog.ProveRecord(size, index, hashes))
				check(tlog.CheckRecord(proof, size, roots[size], index, tlog.RecordHash(entry(index))))
				fmt.Printf("inclusion %d %d %s\n", index, size, digest(proof))
			}
		}
		for _, old := range sizes {
			if 0 < old && old <= size {
				proof := must(tlog.ProveTree(size, old, hashes))
				check(tlog.CheckTree(proof, size, roots[size], old, roots[old]))
				fmt.Printf("consistency %d %d %s\n", old, size, digest(proof))
			}
		}
	}
	for _, tile := range tlog.NewTiles(8, 0, total) {
		if tile.L > 0 || tile.N%64 == 0 || tile.W < 256 {
			data := must(tlog.ReadTileData(tile, hashes))
			fmt.Printf("%s %x\n", strings.Replace(tile.Path(), "tile/8/", "tile/", 1), sha256.Sum256(data))
		}
	}
	notes()
}

// Texts signed with the key of the seed 1, 1, 1, ...: Go takes our encoding of the private key, we take its vkey.
func notes() {
	seed := []byte(strings.Repeat("\x01", ed25519.SeedSize))
	name := "log.example/one"
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	vkey := must(note.NewEd25519VerifierKey(name, public))
	fmt.Printf("vkey %s\n", vkey)
	hash := strings.Split(vkey, "+")[1]
	skey := fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", name, hash, base64.StdEncoding.EncodeToString(append([]byte{1}, seed...)))
	fmt.Printf("skey %s\n", skey)
	signer := must(note.NewSigner(skey))
	verifiers := note.VerifierList(must(note.NewVerifier(vkey)))
	for _, text := range []string{
		"a text\n",
		"a text\n\n\nwith blank lines\n— and.example no-signature\n\n",
		"log.example/one\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
		"ümläute, 日本語, \u200frtl\n",
	} {
		signed := must(note.Sign(&note.Note{Text: text}, signer))
		must(note.Open(signed, verifiers))
		fmt.Printf("note %x\n", signed)
	}
}
