package camera

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"faird/config/redact"
)

// errSpecial says what to do about a password that cuts the URL in two.
var errSpecial = errors.New("percent-encode special characters in user, password and query: " +
	"# is %23, / is %2F, ? is %3F, @ is %40, % is %25, a space is %20")

// inQuotes are the parts of the URL that errors of package url repeat.
var inQuotes = regexp.MustCompile(` "(?:[^"\\]|\\.)*"`)

// unparsable says why a URL cannot be used as it was parsed, without repeating
// any of it; nil where it can.
func unparsable(text string, u *url.URL, err error) error {
	switch {
	case err == nil && u.Host != "" && (u.Fragment != "" || strings.Contains(u.RawQuery, " ")):
		return errSpecial // no camera gets what follows a #, nor understands a space
	case err == nil:
		return nil
	case strings.Contains(redact.URL(text), ":"+redact.Stars+"@"):
		return errSpecial
	}
	if e := (*url.Error)(nil); errors.As(err, &e) {
		err = e.Err
	}
	return fmt.Errorf("%s: write special characters as %%XX", inQuotes.ReplaceAllLiteralString(err.Error(), ""))
}
