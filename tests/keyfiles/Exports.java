// Exports a private key as a JDK does: java Exports.java FILE.der ALGORITHM PASSPHRASE; a line "name Base64" each.
import java.nio.file.*;
import java.security.*;
import java.security.spec.*;
import java.util.Base64;
import javax.crypto.*;
import javax.crypto.spec.*;

public class Exports {
    public static void main(String[] arguments) throws Exception {
        byte[] der = Files.readAllBytes(Path.of(arguments[0]));
        PrivateKey key = KeyFactory.getInstance(arguments[1]).generatePrivate(new PKCS8EncodedKeySpec(der));
        print("PKCS#8", key.getEncoded());
        for (String scheme : new String[] {"PBEWithHmacSHA256AndAES_256", "PBEWithSHA1AndDESede", "PBEWithMD5AndDES"}) {
            SecretKey secret = SecretKeyFactory.getInstance(scheme).generateSecret(new PBEKeySpec(arguments[2].toCharArray()));
            Cipher cipher = Cipher.getInstance(scheme);
            cipher.init(Cipher.ENCRYPT_MODE, secret);
            AlgorithmParameters parameters = cipher.getParameters();
            if (scheme.contains("Hmac")) { // JDK 17 does not know the OID of its own name
                parameters = AlgorithmParameters.getInstance("PBES2");
                parameters.init(cipher.getParameters().getEncoded());
            }
            print(scheme, new EncryptedPrivateKeyInfo(parameters, cipher.doFinal(key.getEncoded())).getEncoded());
        }
    }

    static void print(String name, byte[] content) {
        System.out.println(name + " " + Base64.getEncoder().encodeToString(content));
    }
}
