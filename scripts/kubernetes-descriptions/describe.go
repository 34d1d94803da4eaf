// Prints the table of Kubernetes' stored messages, read by reflection from the published Go types:
// their struct tags are where upstream itself has field numbers and JSON's names from. Run by
// make.ts, which makes register.go with the packages of one pinned version.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
)

var (
	marshaler  = reflect.TypeOf((*json.Marshaler)(nil)).Elem()
	objectMeta = "meta/v1.ObjectMeta"
)

// protoMessage is what a slice implements that travels as a message with the items in field 1.
type protoMessage interface{ Unmarshal([]byte) error }

var protoMessageType = reflect.TypeOf((*protoMessage)(nil)).Elem()

// What upstream prints by code of its own; the decoder has the same by hand.
var special = map[string]string{
	"meta/v1.Time":               "Time",
	"meta/v1.MicroTime":          "MicroTime",
	"meta/v1.Duration":           "Duration",
	"meta/v1.FieldsV1":           "FieldsV1",
	"runtime.RawExtension":       "RawExtension",
	"intstr.IntOrString":         "IntOrString",
	"resource.Quantity":          "Quantity",
	"apiextensions/v1.JSON":      "JSON",
	"apiextensions/v1beta1.JSON": "JSON",
}

var alternatives = map[string]bool{
	"JSONSchemaPropsOrBool":        true,
	"JSONSchemaPropsOrArray":       true,
	"JSONSchemaPropsOrStringArray": true,
}

type message struct {
	name   string
	fields []string
}

// A package of the API: "apps/v1" is apiVersion apps/v1, "rbac/v1" is rbac.authorization.k8s.io/v1.
type section struct {
	path       string
	apiVersion string
	kinds      map[string]bool
	messages   map[string]message
}

var sections = map[string]*section{}

func main() {
	scheme := runtime.NewScheme()
	for _, add := range registrations {
		if err := add(scheme); err != nil {
			fail("%v", err)
		}
	}
	for gvk, t := range scheme.AllKnownTypes() {
		path := pathOf(t)
		if gvk.Version == runtime.APIVersionInternal || strings.HasPrefix(path, "meta/") || !isStorable(t) {
			continue
		}
		describe(t)
		at := sections[path]
		at.kinds[t.Name()] = true
		at.apiVersion = gvk.GroupVersion().String()
		if gvk.Kind != t.Name() {
			fail("%s is of type %s", gvk, t)
		}
	}
	print()
}

// isStorable: an object has metadata of its own; lists, options and reviews' contents have none.
func isStorable(t reflect.Type) bool {
	field, found := t.FieldByName("ObjectMeta")
	return found && field.Anonymous && pathOf(field.Type)+"."+field.Type.Name() == objectMeta
}

func describe(t reflect.Type) {
	at := sections[pathOf(t)]
	if at == nil {
		at = &section{path: pathOf(t), kinds: map[string]bool{}, messages: map[string]message{}}
		sections[at.path] = at
	}
	if _, done := at.messages[t.Name()]; done {
		return
	}
	at.messages[t.Name()] = message{}
	described := message{name: t.Name()}
	for i := 0; i < t.NumField(); i++ {
		field := t.Field(i)
		number := numberOf(field)
		if number == "" {
			continue
		}
		described.fields = append(described.fields, fmt.Sprintf("%s %s %s", number, nameOf(field), typeOf(at.path, field)))
	}
	at.messages[t.Name()] = described
}

func numberOf(field reflect.StructField) string {
	parts := strings.Split(field.Tag.Get("protobuf"), ",")
	if len(parts) < 2 || !field.IsExported() {
		return ""
	}
	return parts[1]
}

// nameOf: "." where encoding/json prints the fields in the place of the struct, "?" after the
// name where it leaves out what is empty.
func nameOf(field reflect.StructField) string {
	parts := strings.Split(field.Tag.Get("json"), ",")
	name, options := parts[0], parts[1:]
	if name == "" && field.Anonymous {
		return "."
	}
	if name == "" {
		name = field.Name
	}
	isStruct := field.Type.Kind() == reflect.Struct
	for _, option := range options {
		if option == "omitempty" && !isStruct || option == "omitzero" && isStruct {
			return name + "?"
		}
	}
	return name
}

func typeOf(path string, field reflect.StructField) string {
	t := field.Type
	if name := nameOf(field); strings.HasSuffix(name, "?") && t.Kind() == reflect.Struct && pathOf(t)+"."+t.Name() != "meta/v1.Time" {
		fail("%s.%s: no decoder knows when a %s is zero", path, field.Name, t)
	}
	return typeText(path, t, field.Tag.Get("protobuf"))
}

func typeText(path string, t reflect.Type, tag string) string {
	if t.Kind() == reflect.Pointer {
		return "*" + typeText(path, t.Elem(), tag)
	}
	full := pathOf(t) + "." + t.Name()
	if name, is := special[full]; is {
		return name
	}
	if t.Kind() == reflect.Slice && reflect.PointerTo(t).Implements(protoMessageType) {
		return "items" + plainSlice(path, t, tag)
	}
	if (t.Implements(marshaler) || reflect.PointerTo(t).Implements(marshaler)) && !alternatives[t.Name()] {
		fail("%s prints itself, and no decoder knows how", full)
	}
	switch t.Kind() {
	case reflect.Slice:
		return plainSlice(path, t, tag)
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			fail("%s: a key that is no text", t)
		}
		return "map:" + typeText(path, t.Elem(), tag)
	case reflect.Struct:
		describe(t)
		if pathOf(t) == path {
			return t.Name()
		}
		return full
	case reflect.String, reflect.Bool, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64, reflect.Float64:
		return t.Kind().String()
	case reflect.Uint8:
		return "uint32"
	}
	fail("%s: a type that no decoder knows", t)
	return ""
}

func plainSlice(path string, t reflect.Type, tag string) string {
	if t.Elem().Kind() == reflect.Uint8 {
		return "bytes"
	}
	return "[]" + strings.TrimPrefix(typeText(path, t.Elem(), tag), "*")
}

// pathOf: "core/v1" of k8s.io/api/core/v1, "resource" of apimachinery's.
func pathOf(t reflect.Type) string {
	parts := strings.Split(t.PkgPath(), "/")
	last := parts[len(parts)-1]
	if len(last) < 2 || last[0] != 'v' || last[1] < '0' || last[1] > '9' {
		return last
	}
	return parts[len(parts)-2] + "/" + last
}

func print() {
	for _, path := range sortedKeys(sections) {
		at := sections[path]
		fmt.Println(strings.TrimSpace("# " + path + " " + at.apiVersion))
		for _, name := range sortedKeys(at.messages) {
			if at.kinds[name] {
				fmt.Println(name + " kind")
			} else {
				fmt.Println(name)
			}
			for _, field := range at.messages[name].fields {
				fmt.Println(" " + field)
			}
		}
	}
}

func sortedKeys[V any](of map[string]V) []string {
	keys := make([]string, 0, len(of))
	for key := range of {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

func fail(format string, values ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
	os.Exit(1)
}
