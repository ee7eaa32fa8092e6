package zoo;

import quorate.contract.Address;
import quorate.contract.External;
import quorate.contract.Public;
import quorate.contract.U64;
import quorate.contract.View;

/** What the zoo needs of a token. */
@External
interface Coin {
    @Public("transfer")
    void move(Address to, U64 amount);

    @View("balance_of")
    U64 balanceOf(Address holder);
}
