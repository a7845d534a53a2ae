// Reads what a compressor wrote with the decoders of the OpenTelemetry Collector and Go's own, and
// hashes with Go's.
//
// Standard input is a row of records, numbers little endian:
//
//	length of a name: byte, the name; length of the output: uint32, the output;
//	length of the input: uint32, the input
//
// The name is a format, whose output has to decode to the input, or a hash, whose output is the
// digest of the input, big endian. Standard output is a line for each record that is wrong,
// `INDEX what is wrong`, and at the end the number of records.
package main

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"hash/crc32"
	"io"
	"os"

	"github.com/cespare/xxhash/v2"
	"github.com/golang/snappy"
	kflate "github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// everything reads a stream to its end, which has to be that of the output, too.
func everything(output []byte, open func(io.Reader) (io.Reader, error)) ([]byte, error) {
	source := bytes.NewReader(output)
	reader, err := open(source)
	if err != nil {
		return nil, err
	}
	decoded, err := io.ReadAll(reader)
	if err == nil && source.Len() > 0 {
		err = fmt.Errorf("%d bytes are left", source.Len())
	}
	return decoded, err
}

func zstdStrict() *zstd.Decoder {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		panic(err)
	}
	return decoder
}

var wholeFrames = zstdStrict()
var frames = zstdStrict()

var decoders = map[string][]func([]byte) ([]byte, error){
	"deflate": {
		func(output []byte) ([]byte, error) {
			return everything(output, func(r io.Reader) (io.Reader, error) { return flate.NewReader(r), nil })
		},
		func(output []byte) ([]byte, error) {
			return everything(output, func(r io.Reader) (io.Reader, error) { return kflate.NewReader(r), nil })
		},
	},
	"zlib": {func(output []byte) ([]byte, error) {
		return everything(output, func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) })
	}},
	"gzip": {func(output []byte) ([]byte, error) {
		return everything(output, func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) })
	}},
	// All at once goes other ways than from a stream.
	"zstd": {
		func(output []byte) ([]byte, error) { return wholeFrames.DecodeAll(output, nil) },
		func(output []byte) ([]byte, error) {
			return everything(output, func(r io.Reader) (io.Reader, error) { return frames, frames.Reset(onlyReader{r}) })
		},
	},
	"lz4": {func(output []byte) ([]byte, error) {
		return everything(output, func(r io.Reader) (io.Reader, error) { return lz4.NewReader(r), nil })
	}},
	"snappy": {func(output []byte) ([]byte, error) { return snappy.Decode(nil, output) }},
	"snappy-framed": {func(output []byte) ([]byte, error) {
		return everything(output, func(r io.Reader) (io.Reader, error) { return snappy.NewReader(r), nil })
	}},
}

// onlyReader keeps a decoder from seeing that all of it is in memory.
type onlyReader struct{ io.Reader }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var hashes = map[string]func([]byte) uint64{
	"adler32": func(input []byte) uint64 { return uint64(adler32.Checksum(input)) },
	"crc32":   func(input []byte) uint64 { return uint64(crc32.ChecksumIEEE(input)) },
	"crc32c":  func(input []byte) uint64 { return uint64(crc32.Checksum(input, castagnoli)) },
	"xxh64":   xxhash.Sum64,
}

func wrong(name string, output, input []byte) error {
	if sum, ok := hashes[name]; ok {
		var digest [8]byte
		copy(digest[8-len(output):], output)
		if got, want := binary.BigEndian.Uint64(digest[:]), sum(input); got != want {
			return fmt.Errorf("%s of %d bytes is %x, not %x", name, len(input), want, got)
		}
		return nil
	}
	for _, decode := range decoders[name] {
		decoded, err := decode(output)
		if err != nil {
			return fmt.Errorf("%s of %d bytes: %w", name, len(input), err)
		}
		if !bytes.Equal(decoded, input) {
			return fmt.Errorf("%s of %d bytes: decoded to %d other bytes", name, len(input), len(decoded))
		}
	}
	if len(decoders[name]) == 0 {
		return errors.New("no decoder for " + name)
	}
	return nil
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	records := 0
	for ; ; records++ {
		size, err := in.ReadByte()
		if err == io.EOF {
			break
		}
		name := make([]byte, size)
		if _, err := io.ReadFull(in, name); err != nil {
			panic(err)
		}
		if err := wrong(string(name), block(in), block(in)); err != nil {
			fmt.Println(records, err)
		}
	}
	fmt.Println(records)
}

func block(in io.Reader) []byte {
	var length uint32
	if err := binary.Read(in, binary.LittleEndian, &length); err != nil {
		panic(err)
	}
	bytes := make([]byte, length)
	if _, err := io.ReadFull(in, bytes); err != nil {
		panic(err)
	}
	return bytes
}
